"""What a page says after a form was taken, by the word that stands in its address."""

from msgcenter.domain.language import Phrase

DONE = {
    "saved": Phrase("已保存", "Saved"),
    "welcome": Phrase("欢迎!您的账号已创建", "Welcome! Your account is ready"),
    "password": Phrase("密码已修改,其他会话已退出", "Your password is changed; all other sessions have ended"),
    "session-ended": Phrase("会话已结束", "The session has ended"),
    "factor-removed": Phrase("两步验证已关闭", "The second factor is off"),
    "created": Phrase("应用已创建", "The app is registered"),
    "key-ended": Phrase("旧密钥已失效", "The previous key has ended"),
    "disabled": Phrase("已停用", "Disabled"),
    "enabled": Phrase("已启用", "Enabled"),
    "member-added": Phrase("成员已添加", "The member is added"),
    "member-removed": Phrase("成员已移除", "The member is removed"),
    "asked": Phrase("申请已提交,请等待运营人员审核", "Your request is with the operators"),
    "granted": Phrase("已开通", "Granted"),
    "refused": Phrase("已拒绝", "Refused"),
    "reset": Phrase("密码已重置", "The password is reset"),
    "logged-out": Phrase("您已退出登录", "You are logged out"),
    "paused": Phrase("已暂停", "Paused"),
    "resumed": Phrase("已恢复", "Resumed"),
    "deleted": Phrase("已删除", "Deleted"),
    "test-sent": Phrase("测试事件已发出", "A test event is on its way"),
    "replayed": Phrase("已重新投递", "It is posted again"),
    "drafted": Phrase("草稿已提交,等待另一位运营人员审批", "Submitted; another operator has to approve it"),
    "approved": Phrase("已批准,到时自动发送;未定时的已发送", "Approved: it is sent, or will be at its time"),
    "recalled": Phrase("已撤回", "Recalled"),
    "withdrawn": Phrase("已作废", "Given up"),
    "rejected": Phrase("已退回", "Sent back"),
}
