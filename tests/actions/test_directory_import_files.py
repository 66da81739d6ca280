"""Files of a directory: encodings, headings, quoting, and what is wrong with a line."""

import codecs
import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from msgcenter.actions.directory.import_files import BadLine, open_source
from msgcenter.domain.directory import Membership, OrgChange, UserChange
from msgcenter.domain.directory_items import MemberItem, OrgItem, UserItem

ORGS = "orgId,parentId,kind,name\r\nschool,,school,实验小学\r\nclass,school,class,三年级2班\r\n"
USERS = "userId,name,locale,timeZone,disabled\r\nwang,王芳,zh-CN,Asia/Shanghai,\r\nli,李,,,TRUE\r\n"
MEMBERS = "orgId,userId,role\r\nclass,wang,par\r\n"
ITEMS = [
    OrgChange("school", "", "school", "实验小学"),
    OrgChange("class", "school", "class", "三年级2班"),
    UserChange("wang", "王芳", "zh-CN", "Asia/Shanghai", disabled=False),
    UserChange("li", "李", "", "", disabled=True),
    Membership("class", "wang", "par"),
]


def items_of(path: Path) -> list[object]:
    """Return what the items of a file change; the problem of each bad line."""
    with open_source(path) as source:
        return [
            f"{entry.place}: {entry.problem}" if isinstance(entry, BadLine) else entry[1].change()
            for entry in source.entries(lambda _: None)
        ]


def write_csv(folder: Path, encoding: str = "utf-8", **files: str) -> Path:
    """Write CSV files into a folder."""
    folder.mkdir(exist_ok=True)
    for name, text in ({"orgs": ORGS, "users": USERS, "members": MEMBERS} | files).items():
        if text:
            (folder / f"{name}.csv").write_bytes(text.encode(encoding))
    return folder


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_csv_is_read_in_each_encoding(tmp_path: Path, encoding: str) -> None:
    assert items_of(write_csv(tmp_path / "f", encoding)) == ITEMS


def test_an_archive_may_have_a_folder_in_it(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, text in {"orgs": ORGS, "users": USERS, "members": MEMBERS}.items():
            archive.writestr(f"export/{name}.csv", text.encode("gb18030"))
            archive.writestr(f"__MACOSX/export/{name}.csv", b"\x00\xff")
            archive.writestr(f"export/{name}.txt", b"something else")
    assert items_of(tmp_path / "a.zip") == ITEMS


def test_columns_may_be_in_any_order_and_left_out(tmp_path: Path) -> None:
    folder = write_csv(
        tmp_path / "f", orgs="name,orgId\nS,s\n", users="userId\nu\n", members="role, userId ,orgId\ntea, u ,s\n"
    )
    assert items_of(folder) == [OrgChange("s", name="S"), UserChange("u"), Membership("s", "u", "tea")]


def test_cells_may_be_quoted_and_rows_empty(tmp_path: Path) -> None:
    orgs = 'orgId,parentId,kind,name\n"a,b","",,"say ""hi"""\n\n,,,\n"c",,,  C \n'
    assert items_of(write_csv(tmp_path / "f", orgs=orgs, users="", members="")) == [
        OrgChange("a,b", "", "", 'say "hi"'),
        OrgChange("c", "", "", "C"),
    ]


def test_json_lines_are_read(tmp_path: Path) -> None:
    lines = [
        {"type": "member", "orgId": 7, "userId": "wang", "role": "par"},
        {"type": "user", "userId": "wang", "name": "王芳", "disabled": True},
        {"type": "org", "orgId": 7, "parentId": "", "name": "实验小学"},
    ]
    text = "\n\n".join(json.dumps(line) for line in lines)
    for before in (b"", codecs.BOM_UTF8):
        (tmp_path / "f.jsonl").write_bytes(before + text.encode() + b"\r\n")
        assert items_of(tmp_path / "f.jsonl") == [
            Membership("7", "wang", "par"),
            UserChange("wang", "王芳", disabled=True),
            OrgChange("7", "", name="实验小学"),
        ]


BAD_JSON = [
    ("", None),
    ("x", "is not JSON"),
    ("[]", '"type"'),
    ("7", '"type"'),
    ("null", '"type"'),
    ("{", "is not JSON"),
    ("{}", '"type"'),
    ('{"type":7}', '"type"'),
    ('{"type":"group","orgId":"a"}', "'group'"),
    ('{"type":"org"}', "orgId is missing"),
    ('{"type":"org","orgId":""}', "orgId must be"),
    ('{"type":"org","orgId":" a"}', "orgId must be"),
    ('{"type":"org","orgId":"a "}', "trimmed"),
    ('{"type":"org","orgId":"a\\u0000"}', "orgId must be"),
    ('{"type":"org","orgId":"a\\tb"}', "control"),
    ('{"type":"org","orgId":true}', "orgId must be"),
    ('{"type":"org","orgId":1.5}', "orgId must be"),
    ('{"type":"org","orgId":["a"]}', "orgId must be"),
    ('{"type":"org","orgId":"' + "x" * 65 + '"}', "1-64"),
    ('{"type":"org","orgId":"a","parentID":"b"}', "unknown field 'parentID'"),
    ('{"type":"org","orgId":"a","parentId":" b"}', "parentId must be"),
    ('{"type":"org","orgId":"a","parentId":7.5}', "parentId must be"),
    ('{"type":"org","orgId":"a","parentId":"' + "x" * 65 + '"}', "1-64"),
    ('{"type":"org","orgId":"a","name":""}', "name must be 1-128"),
    ('{"type":"org","orgId":"a","name":"' + "x" * 129 + '"}', "name must be 1-128"),
    ('{"type":"org","orgId":"a","name":"a\\nb"}', "name must be"),
    ('{"type":"org","orgId":"a","name":7}', "name must be"),
    ('{"type":"org","orgId":"a","kind":"' + "x" * 33 + '"}', "kind must be 0-32"),
    ('{"type":"org","orgId":"a","name":"A","deleted":true}', "--delete-missing"),
    ('{"type":"user"}', "userId is missing"),
    ('{"type":"user","userId":""}', "userId must be"),
    ('{"type":"user","userId":"a\\u0001"}', "userId must be"),
    ('{"type":"user","userId":"a","name":"' + "x" * 129 + '"}', "name must be 0-128"),
    ('{"type":"user","userId":"a","locale":"zh CN"}', "locale must be"),
    ('{"type":"user","userId":"a","locale":"' + "a" * 36 + '"}', "locale must be"),
    ('{"type":"user","userId":"a","timeZone":"Mars/Base"}', "timeZone must be"),
    ('{"type":"user","userId":"a","timeZone":8}', "timeZone must be"),
    ('{"type":"user","userId":"a","disabled":"true"}', "disabled must be true or false"),
    ('{"type":"user","userId":"a","disabled":1}', "disabled must be true or false"),
    ('{"type":"user","userId":"a","role":"tea"}', "unknown field 'role'"),
    ('{"type":"user","userId":"a","deleted":true}', "--delete-missing"),
    ('{"type":"member"}', "orgId is missing"),
    ('{"type":"member","orgId":"a"}', "userId is missing"),
    ('{"type":"member","orgId":"a","userId":"b"}', "role is missing"),
    ('{"type":"member","orgId":"a","userId":"b","role":""}', "role must be 1-16"),
    ('{"type":"member","orgId":"a","userId":"b","role":"tea cher"}', "role must be"),
    ('{"type":"member","orgId":"a","userId":"b","role":"老师"}', "role must be"),
    ('{"type":"member","orgId":"a","userId":"b","role":"' + "x" * 17 + '"}', "role must be 1-16"),
    ('{"type":"member","orgId":"a","userId":"b","role":"tea\\n"}', "role must be"),
    ('{"type":"member","orgId":"a","userId":"b","role":7}', "role must be"),
    ('{"type":"member","orgId":"a","userId":"b","role":"tea","name":"x"}', "unknown field 'name'"),
    ('{"type":"org","orgId":"\\ud83d","name":"A"}', "JSON"),
]


@pytest.mark.parametrize(("line", "words"), BAD_JSON, ids=range(len(BAD_JSON)))
def test_a_bad_line_is_named(tmp_path: Path, line: str, words: str | None) -> None:
    good = '{"type":"user","userId":"u"}'
    (tmp_path / "f.jsonl").write_text(f"{good}\n{line}\n{good}\n")
    first, *problems, last = items_of(tmp_path / "f.jsonl")
    assert first == last == UserChange("u")
    assert len(problems) == (0 if words is None else 1)
    for problem in problems:
        assert isinstance(problem, str)
        assert problem.startswith("f.jsonl:2: ")
        assert words is not None
        assert words in problem


def test_a_line_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes('{"type":"user","userId":"王"}\n'.encode("gb18030"))
    (problem,) = items_of(tmp_path / "f.jsonl")
    assert str(problem).startswith("f.jsonl:1: is not")


@pytest.mark.parametrize(
    ("files", "place", "words"),
    [
        ({"orgs": "orgId;name\na;b\n"}, "orgs.csv:1", "commas"),
        ({"orgs": "orgId\tname\na\tb\n"}, "orgs.csv:1", "commas"),
        ({"orgs": "orgid,name\na,b\n"}, "orgs.csv:1", "unknown column 'orgid'"),
        ({"orgs": "name\nb\n"}, "orgs.csv:1", "the column orgId is missing"),
        ({"orgs": "\n"}, "orgs.csv:1", "orgId is missing"),
        ({"orgs": "orgId,orgId\na,b\n"}, "orgs.csv:1", "twice"),
        ({"users": "userId,姓名\na,b\n"}, "users.csv:1", "'姓名'"),
        ({"members": "orgId,userId\na,b\n"}, "members.csv:1", "the column role is missing"),
        ({"orgs": "orgId,name\na,b,c\n"}, "orgs.csv:2", "3 cells"),
        ({"orgs": "orgId,name\na\n"}, "orgs.csv:2", "1 cells"),
        ({"orgs": 'orgId,name\n"a"b,c\n'}, "orgs.csv:2", "not CSV"),
        ({"orgs": 'orgId,name\na,"b\n'}, "orgs.csv:2", "not CSV"),
        ({"orgs": f'orgId,name\na,"b\nc"\n{"x" * 65},d\n'}, "orgs.csv:2", "name must be"),
        ({"orgs": f"orgId,name\na,b\n\n{'x' * 65},d\n"}, "orgs.csv:4", "orgId must be"),
        ({"users": "userId,disabled\na,maybe\n"}, "users.csv:2", "disabled must be true or false"),
        ({"users": "userId,timeZone\na,CST\u00a08\n"}, "users.csv:2", "timeZone must be"),
        ({"members": "orgId,userId,role\na,b,\n"}, "members.csv:2", "role must be"),
    ],
)
def test_a_bad_csv_file_is_named(tmp_path: Path, files: dict[str, str], place: str, words: str) -> None:
    empty = {"orgs": "", "users": "", "members": ""}
    problems = [str(item) for item in items_of(write_csv(tmp_path / "f", **(empty | files))) if isinstance(item, str)]
    assert problems
    assert problems[0].startswith(f"{place}: "), problems
    assert words in problems[0]


def test_a_file_in_no_encoding_is_named(tmp_path: Path) -> None:
    folder = write_csv(tmp_path / "f", users="", members="")
    (folder / "orgs.csv").write_bytes(b"orgId,name\na,\xff\xff\n")
    assert items_of(folder) == ["orgs.csv: is neither UTF-8 nor GB18030"]


@pytest.mark.parametrize("name", ["missing.jsonl", "missing.zip", "missing"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        items_of(tmp_path / name)


def test_folders_and_archives_without_csv_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with ZipFile(tmp_path / "empty.zip", "w"):
        pass
    (tmp_path / "no.zip").write_text("text")
    (tmp_path / "orgs.csv").write_text(ORGS)
    for name, words in {"empty": "none of", "empty.zip": "none of", "no.zip": "no", "orgs.csv": "one CSV"}.items():
        with pytest.raises(ValueError, match=words):
            items_of(tmp_path / name)


def test_all_of_the_file_is_counted_as_it_is_read(tmp_path: Path) -> None:
    counts: list[int] = []
    with open_source(write_csv(tmp_path / "f")) as source:
        kinds = {type(entry[1]) for entry in source.entries(counts.append) if not isinstance(entry, BadLine)}
    assert kinds == {OrgItem, UserItem, MemberItem}
    assert sum(counts) == 2 * source.size
