"""Names that users could confuse with those of the platform."""

import pytest

from msgcenter.domain.app_name import check_app_name, check_sender_name, skeleton
from msgcenter.domain.refusal import Refusal

PLATFORMS = ["420100", "Wuhan Education Cloud", "武汉教育云"]
IMITATIONS = [
    *("Wuhan Education Cloud", "wuhan education cloud", "WuhanEducationCloud", "Ｗｕｈａｎ Education Cloud"),
    *("Wuhan\u2009Education Cloud", "Wühan Education Cloud", "Wuhаn Educаtion Cloud", "Wuhan-Education-Cloud!"),
    *("武汉教育云", "武汉 教育云", "【武汉教育云】", "420100", "42O100"),
    *("MsgCenter", "Мsgcenter", "消息中心", "公告", "系统消息", "Announcement"),
    *("MsgCenter\u3164", "Msg\u2800Center", "公告\uffa0", "武汉\u1160教育云"),  # invisible letters and symbols
    *("官方公告", "智慧校园·官方公告", "Homework – Official announcement", "平 台 公 告"),
]


@pytest.mark.parametrize("name", IMITATIONS)
def test_no_app_has_the_name_of_the_platform_or_its_announcements(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_app_name(name, PLATFORMS)
    assert refused.value.data["field"] == "name"


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\u202eb", "a\u200bb", "a\nb", "···", "\u3164", "\u2800"])
def test_a_name_can_be_seen_and_is_short(name: str) -> None:
    with pytest.raises(Refusal):
        check_app_name(name, PLATFORMS)


@pytest.mark.parametrize(
    "name", ["智慧校园", "Wuhan Education Cloud Homework", "Homework", "公告栏", "420100 食堂", "系统"]
)
def test_ordinary_names_are_free(name: str) -> None:
    check_app_name(name, PLATFORMS)


@pytest.mark.parametrize(
    "name", ["平台公告", "市教育局·官方公告", "Official  Announcement", "公告", "Мsgcenter", " ", "\u3164"]
)
def test_no_sender_has_the_name_of_announcements_or_an_invisible_one(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_sender_name(name)
    assert refused.value.data["field"] == "senderName"


@pytest.mark.parametrize("name", ["宋文萍", "张\u3000三", "3(2)班班主任", "···", "武汉教育云", "公告栏"])
def test_ordinary_senders_are_free(name: str) -> None:
    check_sender_name(name)


def test_names_that_look_alike_have_the_same_skeleton() -> None:
    assert skeleton("Ｓmаrt  Cámpus") == skeleton("smart campus")
    assert skeleton("智慧校园") != skeleton("智慧校圆")
