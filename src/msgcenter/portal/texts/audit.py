"""The texts of the audit log: actions, and the details of an entry."""

from collections.abc import Mapping
from typing import Any

from msgcenter.domain.language import Language, Phrase

GRANTS = {
    "live": Phrase("上线", "Go live"),
    "broadcasts": Phrase("群发", "Broadcasts"),
    "platform_inbox": Phrase("收件箱显示平台全部消息", "Inbox of the whole platform"),
    "platform": Phrase("平台", "Platform"),
    "branding": Phrase("名称与颜色", "Name and colour"),
}
_CONFIRMATIONS = {
    "operator": Phrase("新的运营人员", "New operator"),
    "enable": Phrase("启用运营人员", "Enabling of an operator"),
    "reset": Phrase("重置运营人员密码", "Reset of an operator's password"),
    "second_factor": Phrase("关闭运营人员两步验证", "Removal of an operator's second factor"),
}
_STEPS = {"ask": Phrase("申请", "Requested"), "give": Phrase("开通", "Granted"), "refuse": Phrase("拒绝", "Refused")}

ACTIONS: Mapping[str, Phrase] = {
    "app.create": Phrase("创建应用", "App registered"),
    "app.key.rotate": Phrase("更换应用密钥", "appKey rotated"),
    "app.key.end": Phrase("作废旧密钥", "Previous appKey revoked"),
    "app.face": Phrase("修改名称与颜色", "Name or colour changed"),
    "app.inbox": Phrase("修改收件箱范围或嵌入网站", "Inbox scope or websites changed"),
    "app.broadcasts": Phrase("修改群发权限", "Broadcast permission changed"),
    "app.directory": Phrase("修改通讯录接口权限", "Directory permission changed"),
    "app.urgent": Phrase("修改紧急消息权限", "Urgent permission changed"),
    "app.grant": Phrase("授予可发送的组织", "Addressing of an organisation granted"),
    "app.revoke": Phrase("收回可发送的组织", "Addressing of an organisation revoked"),
    "app.live": Phrase("修改上线状态", "Live or sandbox changed"),
    "app.platforms": Phrase("修改授权平台", "Platforms changed"),
    "app.limits": Phrase("修改频率与配额", "Limits changed"),
    "app.disable": Phrase("停用应用", "App disabled"),
    "app.enable": Phrase("启用应用", "App enabled"),
    "app.member.add": Phrase("添加成员", "Member added"),
    "app.member.remove": Phrase("移除成员", "Member removed"),
    **{
        f"grant.{step}.{kind}": Phrase(f"{prefix.zh}:{name.zh}", f"{prefix.en}: {name.en}")
        for step, prefix in _STEPS.items()
        for kind, name in GRANTS.items()
    },
    "message.recall": Phrase("撤回消息", "Message recalled"),
    "message.withhold": Phrase("定时消息因权限已收回而未发送", "Scheduled message not sent: permission withdrawn"),
    "message.update": Phrase("更新消息", "Message updated"),
    "message.remind": Phrase("提醒未读", "Unread receivers reminded"),
    "channel.type": Phrase("修改消息类型", "Message type changed"),
    "channel.type.archive": Phrase("停用消息类型", "Message type archived"),
    "channel.policy": Phrase("修改应用的渠道规定", "Channel policy of an app changed"),
    "channel.policy.remove": Phrase("取消应用的渠道规定", "Channel policy of an app removed"),
    "channel.settings": Phrase("修改平台的渠道设置", "Channel settings changed"),
    "channel.unsubscribe": Phrase("用户关闭渠道", "Channel turned off by its user"),
    "topic.subscribe": Phrase("订阅主题", "Subscribed to a topic"),
    "topic.unsubscribe": Phrase("退订主题", "Unsubscribed from a topic"),
    "template.save": Phrase("保存模板", "Template saved"),
    "template.submit": Phrase("提交模板", "Template submitted"),
    "template.approve": Phrase("批准模板", "Template approved"),
    "template.reject": Phrase("退回模板", "Template rejected"),
    "template.archive": Phrase("归档模板", "Template archived"),
    "template.restore": Phrase("恢复模板", "Template restored"),
    "webhook.create": Phrase("添加回调地址", "Webhook added"),
    "webhook.update": Phrase("修改回调地址", "Webhook changed"),
    "webhook.delete": Phrase("删除回调地址", "Webhook deleted"),
    "webhook.rotate": Phrase("更换回调密钥", "Webhook secret rotated"),
    "webhook.test": Phrase("发送测试事件", "Test event sent"),
    "webhook.replay": Phrase("重新投递", "Deliveries replayed"),
    "announcement.draft": Phrase("起草公告", "Announcement drafted"),
    "announcement.edit": Phrase("修改公告", "Announcement edited"),
    "announcement.submit": Phrase("提交公告审批", "Announcement submitted"),
    "announcement.approve": Phrase("批准并发送公告", "Announcement approved and sent"),
    "announcement.return": Phrase("退回公告", "Announcement returned"),
    "announcement.withdraw": Phrase("撤销公告草稿", "Announcement discarded"),
    "announcement.recall": Phrase("撤回公告", "Announcement recalled"),
    "platform.create": Phrase("添加平台", "Platform added"),
    "platform.change": Phrase("修改平台", "Platform changed"),
    "platform.retention": Phrase("修改消息保留期", "Retention changed"),
    "platform.removal": Phrase("删除过期消息", "Old messages deleted"),
    "platform.users": Phrase("导入用户", "Users imported"),
    "platform.forget": Phrase("清除个人数据", "Person removed"),
    "directory.orgs": Phrase("修改通讯录组织", "Organisations changed"),
    "directory.users": Phrase("修改通讯录用户", "Users of the directory changed"),
    "directory.members": Phrase("修改组织成员", "Memberships changed"),
    "directory.import": Phrase("导入通讯录", "Directory imported"),
    "directory.contacts": Phrase("导出联系方式", "Contact points exported"),
    "directory.contact.remove": Phrase("移除联系方式", "Contact point removed"),
    "channel.set": Phrase("设置渠道网关", "Gateway of a channel set"),
    "channel.test": Phrase("测试渠道网关", "Gateway of a channel tested"),
    "channel.off": Phrase("停用渠道网关", "Gateway of a channel turned off"),
    "channel.on": Phrase("启用渠道网关", "Gateway of a channel turned on"),
    "channel.remove": Phrase("移除渠道网关", "Gateway of a channel removed"),
    "person.create": Phrase("创建账号", "Account created"),
    "person.password": Phrase("修改密码", "Password changed"),
    "person.reset": Phrase("重置密码", "Password reset"),
    "person.second_factor.add": Phrase("开启两步验证", "Second factor turned on"),
    "person.second_factor.remove": Phrase("关闭两步验证", "Second factor turned off"),
    "person.role": Phrase("修改角色", "Role changed"),
    "person.disable": Phrase("停用账号", "Account disabled"),
    "person.enable": Phrase("启用账号", "Account enabled"),
    "portal.sign_up": Phrase("修改注册方式", "Sign-up changed"),
    "invitation.create": Phrase("邀请", "Invitation created"),
    "invitation.revoke": Phrase("撤销邀请", "Invitation revoked"),
    **{
        f"confirmation.{step}.{kind}": Phrase(f"{prefix.zh}:{name.zh}", f"{prefix.en}: {name.en}")
        for step, prefix in {"ask": Phrase("申请确认", "Confirmation requested"), "refuse": _STEPS["refuse"]}.items()
        for kind, name in _CONFIRMATIONS.items()
    },
    "session.begin": Phrase("登录", "Logged in"),
    "session.end": Phrase("结束会话", "Session ended"),
}

_DETAILS = {
    "name": Phrase("名称", "name"),
    "platform": Phrase("平台", "platform"),
    "platforms": Phrase("平台", "platforms"),
    "colour": Phrase("颜色", "colour"),
    "scope": Phrase("收件箱范围", "inbox scope"),
    "origins": Phrase("嵌入网站", "websites"),
    "allowed": Phrase("允许", "allowed"),
    "live": Phrase("上线", "live"),
    "rate_limits": Phrase("每秒次数", "calls per second"),
    "daily_quota": Phrase("每日配额", "messages per day"),
    "overlap_seconds": Phrase("旧密钥保留秒数", "seconds until the old key expires"),
    "reason": Phrase("理由", "reason"),
    "role": Phrase("角色", "role"),
    "note": Phrase("备注", "note"),
    "schemes": Phrase("应用协议", "URL schemes"),
    "days": Phrase("天数", "days"),
    "new": Phrase("新增", "new"),
    "sessions": Phrase("会话数", "sessions"),
    "version": Phrase("版本", "version"),
    "state": Phrase("状态", "state"),
    "reset_read": Phrase("重置为未读", "unread again"),
    "unread": Phrase("未读人数", "unread"),
    "users": Phrase("人数", "users"),
    "changed": Phrase("变化数", "changed"),
    "orgs": Phrase("组织数", "organisations"),
    "members": Phrase("成员数", "memberships"),
    "channel": Phrase("渠道", "channel"),
    "provider": Phrase("服务商", "provider"),
    "gateway": Phrase("网关", "gateway"),
    "rate": Phrase("每秒条数", "messages per second"),
    "daily_limit": Phrase("每日上限", "messages per day"),
    "outcome": Phrase("结果", "outcome"),
    "kind": Phrase("类别", "kind"),
    "removed": Phrase("已清除", "removed"),
    "contacts": Phrase("联系方式变化人数", "users with other contact points"),
    "deleted": Phrase("删除数", "deleted"),
    "organisation": Phrase("组织", "organisation"),
    "user": Phrase("用户", "user"),
    "disabled": Phrase("停用", "disabled"),
    "roles": Phrase("角色", "roles"),
    "url": Phrase("地址", "URL"),
    "events": Phrase("事件", "events"),
    "paused": Phrase("暂停", "paused"),
    "delivery": Phrase("投递", "delivery"),
    "deliveries": Phrase("投递数", "deliveries"),
    "since": Phrase("起始时间", "since"),
    "before": Phrase("早于", "older than"),
    "messages": Phrase("消息数", "messages"),
    "entries": Phrase("收件箱条目", "mailbox entries"),
    "asked_by": Phrase("申请人", "requested by"),
    "channels": Phrase("渠道", "channels"),
    "delay_minutes": Phrase("延迟分钟数", "delay in minutes"),
    "urgency": Phrase("紧急程度", "urgency"),
    "mandatory": Phrase("必收", "mandatory"),
    "type": Phrase("消息类型", "message type"),
    "quiet_hours": Phrase("免打扰时段", "quiet hours"),
    "digest_after": Phrase("合并阈值", "digest after"),
    "approves_templates": Phrase("模板须审批", "templates need approval"),
    "time_zone": Phrase("时区", "time zone"),
    "inbox_url": Phrase("链接地址", "address of links"),
    "message_id": Phrase("消息", "message"),
}


def action_text(action: str, language: Language) -> str:
    """Return the name of an action; "" if it has none."""
    phrase = ACTIONS.get(action)
    return phrase.in_language(language) if phrase else ""


def detail_name(name: str, language: Language) -> str:
    """Return the name of a detail."""
    phrase = _DETAILS.get(name)
    return phrase.in_language(language) if phrase else name


def detail_text(value: Any, language: Language) -> str:
    """Return the value of a detail as text."""
    if isinstance(value, bool):
        return Phrase("是", "yes").in_language(language) if value else Phrase("否", "no").in_language(language)
    if value is None:
        return Phrase("默认", "default").in_language(language)
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items()) or "–"
    return str(value)
