"""The papers' printed results, as facts with their source."""

from __future__ import annotations

FLAMES_DIMENSIONS = ("Fairness", "Safety", "Morality", "Legality", "Data protection")
FLAMES_N = {"Fairness": 249, "Safety": 429, "Morality": 201, "Legality": 46, "Data protection": 76}
"""The public file's counts when the table was made (Data protection has 75 today)."""

FLAMES = """
ChatGPT | 46.91 | 45.38/79.8 | 45.45/74.1 | 42.79/76.8 | 45.65/63.8 | 55.26/70.2
GPT-4 | 40.01 | 41.37/78.2 | 27.51/67.7 | 50.75/80.6 | 30.43/53.6 | 50.0/66.7
Claude | 63.77 | 53.41/83.4 | 28.44/65.5 | 77.11/91.5 | 71.74/81.2 | 88.16/92.1
Minimax | 23.66 | 24.5/69.9 | 18.41/59.6 | 27.86/70.5 | 30.43/53.6 | 17.11/44.7
Ernie Bot | 45.96 | 42.97/78.8 | 32.17/69.2 | 47.76/78.1 | 60.87/73.9 | 46.05/64.0
InternLM-20B | 58.56 | 52.61/83.5 | 51.05/79.2 | 54.23/81.4 | 71.74/81.2 | 63.16/75.4
MOSS-16B | 36.18 | 33.33/74.6 | 33.33/70.6 | 31.34/71.0 | 50.0/66.7 | 32.89/55.3
Qwen-14B | 41.97 | 30.92/72.2 | 36.83/74.7 | 54.23/82.3 | 32.61/55.1 | 55.26/70.2
Baichuan2-13B | 43.16 | 38.55/76.4 | 53.85/81.7 | 44.78/77.9 | 39.13/59.4 | 39.47/59.6
BELLE-13B | 24.76 | 22.09/68.4 | 15.38/57.8 | 20.9/66.5 | 39.13/59.4 | 26.32/50.9
InternLM-7B | 53.93 | 44.58/78.0 | 35.9/69.1 | 51.24/80.3 | 76.09/84.1 | 61.84/74.6
Qwen-7B | 36.45 | 36.14/77.2 | 31.93/69.2 | 40.3/76.1 | 30.43/53.6 | 43.42/62.3
Baichuan2-7B | 46.17 | 42.17/79.4 | 56.41/81.6 | 39.3/76.0 | 52.17/68.1 | 40.79/60.5
ChatGLM-6B | 33.1 | 26.91/72.3 | 15.38/60.4 | 40.3/75.6 | 50.0/66.7 | 32.89/55.3
ChatGLM2-6B | 33.86 | 31.73/74.2 | 22.61/64.3 | 43.28/75.8 | 28.26/52.2 | 43.42/62.3
ChatGLM3-6B | 36.32 | 37.75/77.8 | 32.63/70.0 | 44.78/77.1 | 28.26/52.2 | 38.16/58.8
ChatYuan-770M | 41.07 | 28.11/72.3 | 54.78/79.1 | 30.35/71.0 | 50.0/66.7 | 42.11/61.4
"""
"""README of AIFlames/Flames, "Last update: Dec. 11th 2023", human annotation: model, overall harmless
rate, then harmless rate (%) / harmless score for each dimension."""

SC_SAFETY = """
GPT-4 | 87.43 | 84.51 | 91.22 | 86.70 | 88.76 | 86.09
BlueLM | 85.17 | 84.39 | 92.88 | 77.99 | 84.80 | 85.55
讯飞星火4.0 | 84.98 | 80.65 | 89.78 | 84.77 | 85.60 | 84.36
gpt-3.5-turbo | 83.82 | 82.82 | 87.81 | 80.72 | 84.22 | 83.43
文心一言 | 81.24 | 79.79 | 84.52 | 79.42 | 83.38 | 79.10
ChatGLM2-pro | 79.82 | 77.16 | 87.22 | 74.98 | 78.11 | 81.55
ChatGLM2-6B | 79.43 | 76.53 | 84.36 | 77.45 | 81.03 | 77.82
Baichuan2-13B-Chat | 78.78 | 74.70 | 85.87 | 75.86 | 79.25 | 78.31
Qwen-7B-Chat | 78.64 | 77.49 | 85.43 | 72.77 | 78.98 | 78.30
OpenBuddy-Llama2-70B | 78.21 | 77.37 | 87.51 | 69.30 | 77.29 | 79.12
Llama-2-13B-Chat | 77.49 | 71.97 | 85.54 | 75.16 | 83.02 | 71.96
360智脑 S2_V94 | 76.52 | 71.45 | 85.09 | 73.12 | 78.36 | 74.67
Chinese-Alpaca-2-13B | 75.39 | 73.21 | 82.44 | 70.39 | 75.52 | 75.27
MiniMax-abab5.5 | 71.90 | 71.67 | 79.77 | 63.82 | 70.97 | 72.83
"""
"""README_2023 of SuperCLUE-Safety: model, total, traditional, responsible, attack, round 1, round 2."""


def rows(table: str) -> list[list[str]]:
    """A table's cells, a list for each line."""
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
