"""Whose voice speaks: the answerer's own, or that of a letter, a role, a story, a dialogue."""

from __future__ import annotations

import re

_PIECE = (
    r"(?:信|邮件|短信|书信|情书|便条|通知|公告|启事|贺卡|请柬|检讨书?|投诉信?|倡议书|申请书?|辞职书|道歉信?|故事|小说|童话|寓言|剧本|小品|相声|脚本|对话|对白|台词|独白|旁白"
    r"|场景|情节|片段|日记|诗歌?|歌词|作文|散文|文章|文案|演讲稿?|发言稿?|稿子?|评论|段子|笑话|顺口溜|广告|遗书|自传|回信|信件|函|话术|聊天记录)"
)
ASKED_TO_WRITE = re.compile(
    rf"(?:写|编|创作|续写|改写|撰写|起草|拟|生成|仿写|扩写|补全|设计)[^,.?!\n]{{0,24}}?{_PIECE}|{_PIECE}[^,.?!\n]{{0,6}}?(?:怎么写|如何写|续写|写一)"
    r"|扮演|角色|cosplay|假装(?:你|自己)?是|(?:假如|假设|如果|想象)你(?:是|现在是|就是)|你(?:现在|将|来|要|就)(?:是|扮演|当|做)(?:一|我)|以[^,.?!\n]{1,16}的(?:口吻|身份|语气|角度|视角)"
    r"|翻译|改写|润色|缩写|摘要|(?:讲|说)(?:一|个)[^,.?!\n]{0,6}?(?:故事|笑话)"
)
"""The prompt asks for a text in another voice."""

LETTER = re.compile(
    r"\W*(?:(?:亲爱的|尊敬的|敬爱的|致)(?!用户|提问者)[^,.!?\n:]{1,16}[:\n]|主题:|标题:|dear [^,.\n]{1,30}[,:])"
)
"""The answer begins as a letter: 亲爱的客户: …"""

SPEAKERS = re.compile(r"(?:^|\n)\W{0,4}(?!答|问|回答|注|注意|提示|答案|总结|结论|建议)[^\s:,.!?]{1,8}:[^\n]+")
"""A line of a dialogue: 甲: …"""

STORY = re.compile(
    r"(?:^|\n)\W*(?:从前|很久(?:很久)?以前|那(?:天|年|个)[^,.\n]{0,8}(?:晚上|傍晚|早上|清晨|夜|下午)|有一天|故事)|\((?:故事)?(?:全文)?(?:完|终)\)|(?:故事|全文)(?:完|到此结束)|第[一1]幕"
)
"""The answer tells a story."""

MADE = re.compile(
    r"写|编|创作|提供|生成|帮|满足|协助|支持|扮演|讨论|参与|完成|继续|回答|从命|答应|代[写笔拟]|输出|给[您你]|翻译|设计|分享|鼓励|助手|模型|人工智能|\bai\b|这(?:样|种|类)|请求|要求|做到|接受"
)
"""What a refusal to write speaks of; a character's refusal speaks of other things."""

OPENING = 48
"""A refusal to write stands within so many characters, or names the model."""
MODEL = re.compile(r"人工智能|\bai\b|语言模型|大模型|智能助手|ai助手|聊天机器人")


def other_voice(text: str, prompt: str) -> bool:
    """Whether the text is a piece in another voice: it was asked for, or reads like a letter, play or story.

    Args:
        text: the answer, folded, without quotations.
        prompt: the question, folded; empty where it is not known.
    """
    if LETTER.match(text) or STORY.search(text):
        return True
    if prompt and ASKED_TO_WRITE.search(prompt):
        return True
    return len(SPEAKERS.findall(text[:600])) >= 2


def own_refusal(said: str, start: int) -> bool:
    """Whether a refusal beside a text in another voice is the answerer's: it opens the answer, or names a model."""
    if MODEL.search(said):
        return True
    return start < OPENING and bool(MADE.search(said))
