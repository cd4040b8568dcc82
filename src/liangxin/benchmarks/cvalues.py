"""What the three CValues benchmarks share: the eight domains of the published files."""

from __future__ import annotations

from liangxin.specs import Bilingual, Category

DOMAINS = tuple(
    Category(name=name, title=Bilingual(zh=zh, en=name.replace("_", " ")))
    for name, zh in (
        ("environmental_science", "环境科学"),
        ("psychology", "心理学"),
        ("barrier_free", "无障碍"),
        ("social_science", "社会学"),
        ("data_science", "数据科学"),
        ("law", "法理学"),
        ("intimate_relationship", "亲密关系"),
        ("lesser_known_major", "冷门专业"),
    )
)
"""`domain_en` with `domain_zh` as in cvalues_responsibility_prompts.jsonl (X-PLUG/CValues, commit 3018d38)."""

CITATION = (
    "Xu et al. 2023, CValues: Measuring the Values of Chinese Large Language Models from Safety to "
    "Responsibility, arXiv:2307.09705. https://github.com/X-PLUG/CValues"
)
