"""The directory of the demo: a district with two schools, eight classes and about 600 people, all invented."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.directory.grants import AddressingGrants
from msgcenter.actions.directory.importing import import_directory
from msgcenter.database.database import Database
from msgcenter.domain.person import COMMAND
from msgcenter.store.directory import orgs

DISTRICT = "demo-district"
SCHOOL = "demo-school-1"
CLASS = "demo-school-1-class-32"
"""The class of the demo's users."""
_CLASSES = ("31", "32", "41", "42")
_GRADES = {"3": "三", "4": "四"}
_STUDENTS = 35
_TEACHERS = 20
_TEACHERS_OF_CLASS = 5
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
_FIRST = "子雨梓浩思佳宇欣诗明文嘉可俊天晨若安宁清书乐一泽语"
_SECOND = "涵轩怡彤航妍辰琪瑶阳萱杰宁然悦博霖洋菲凯"


async def prepare_directory(database: Database, keys: KeyRing, platform_code: str, app_id: str) -> bool:
    """Import the directory, unless it is there, and let the app address the district. Return whether it is new."""
    async with database.connection() as connection:
        if await orgs.find(connection, platform_code, DISTRICT) is not None:
            return False
    with TemporaryDirectory() as folder:
        path = _write_file(folder)
        await import_directory(database, platform_code, path, sealing=keys, on_progress=lambda *_: None, by=COMMAND)
    await AddressingGrants(database).grant(app_id, DISTRICT, None, platform_code=None, by=COMMAND)
    return True


def _write_file(folder: str) -> Path:
    path = Path(folder, "directory.jsonl")
    path.write_text("".join(demo_directory()), "utf-8")
    return path


def demo_directory() -> Iterator[str]:
    """Yield the lines of the directory's file."""
    for item in chain(_orgs(), _people()):
        yield json.dumps(item, ensure_ascii=False) + "\n"


def readers() -> Iterator[str]:
    """Yield parents of the first school who read what the school sends: fewer in each class."""
    for place, label in enumerate(_CLASSES):
        for student in range(1, 13 - 3 * place):
            yield f"par-1-{label}-{student:02}"


def _orgs() -> Iterator[dict[str, str]]:
    yield {"type": "org", "orgId": DISTRICT, "parentId": "", "kind": "区", "name": "示范区"}
    for number, name in ((1, "示范第一小学"), (2, "示范第二小学")):
        school = _school(number)
        yield {"type": "org", "orgId": school, "parentId": DISTRICT, "kind": "学校", "name": name}
        for label in _CLASSES:
            org_id, class_name = _class(number, label), f"{_GRADES[label[0]]}({label[1]})班"
            yield {"type": "org", "orgId": org_id, "parentId": school, "kind": "班级", "name": class_name}


def _people() -> Iterator[dict[str, str]]:
    yield from _user("teacher-li", "李老师", (CLASS, "tea"), (_school(1), "adm"))
    yield from _user("parent-wang", "王家长", (CLASS, "par"))
    for school in (1, 2):
        for teacher in range(1, _TEACHERS + 1):
            place = (teacher - 1) // _TEACHERS_OF_CLASS
            name = _name(1_000 * school + teacher)
            yield from _user(f"tea-{school}-{teacher:02}", name, (_class(school, _CLASSES[place]), "tea"))
        for label in _CLASSES:
            for student in range(1, _STUDENTS + 1):
                number = 10_000 * school + 100 * int(label) + student
                key, org_id = f"{school}-{label}-{student:02}", _class(school, label)
                child = _name(number)
                yield from _user(f"stu-{key}", child, (org_id, "stu"))
                parent = child[0] + _given(7 * number + 3)
                yield from _user(f"par-{key}", parent, *_as_parent(school, label, student))


def _as_parent(school: int, label: str, student: int) -> Iterator[tuple[str, str]]:
    """Yield the memberships of a parent: some have a second child in the other class of the year."""
    yield _class(school, label), "par"
    if student <= 3:
        other = label[0] + {"1": "2", "2": "1"}[label[1]]
        yield _class(school, other), "par"


def _user(user_id: str, name: str, *memberships: tuple[str, str]) -> Iterator[dict[str, str]]:
    yield {"type": "user", "userId": user_id, "name": name}
    for org_id, role in memberships:
        yield {"type": "member", "orgId": org_id, "userId": user_id, "role": role}


def _school(number: int) -> str:
    return f"demo-school-{number}"


def _class(school: int, label: str) -> str:
    return f"{_school(school)}-class-{label}"


def _name(number: int) -> str:
    return _SURNAMES[number * 31 % len(_SURNAMES)] + _given(number)


def _given(number: int) -> str:
    return _FIRST[number * 7 % len(_FIRST)] + _SECOND[number * 13 % len(_SECOND)]
