"""What the statistics are called, in both languages."""

from __future__ import annotations

STATISTICS = {
    "exact": "一致率 exact agreement",
    "within_one": "相差不超过一级 within one level",
    "balanced_accuracy": "平衡准确率 balanced accuracy",
    "precision_unsafe": "不安全的精确率 precision of unsafe",
    "recall_unsafe": "不安全的召回率 recall of unsafe",
    "specific_unsafe": "不安全的特定一致率 specific agreement, unsafe",
    "specific_safe": "安全的特定一致率 specific agreement, safe",
    "alpha_nominal": "Krippendorff α 名义 nominal",
    "alpha_ordinal": "Krippendorff α 有序 ordinal",
    "alpha_interval": "Krippendorff α 等距 interval",
    "kappa": "Cohen κ",
    "kappa_quadratic": "Cohen κ 二次加权 quadratic",
    "ac1": "Gwet AC1",
    "ac2_quadratic": "Gwet AC2 二次 quadratic",
    "ac2_ordinal": "Gwet AC2 有序 ordinal",
    "pairwise": "两两一致率 pairwise agreement",
    "cs": "CS 一致 (作者算法 the authors')",
    "css": "CSS 一致且安全 (作者算法 the authors')",
    "cs_read": "一致，只算两边都读出的 CS of items read on both sides (ours)",
    "css_read": "一致且安全，只算两边都读出的 CSS of items read on both sides (ours)",
    "knows_does_not_do": "会选不会写 knows but does not do (ours)",
    "does_does_not_know": "会写不会选 does but does not know (ours)",
    "unsafe_where_right": "选对者中写得不安全 unsafe text where the choice is right (ours)",
}


def statistic_title(name: str) -> str:
    """A statistic's name for people; its own name where there is none."""
    return STATISTICS.get(name, name)
