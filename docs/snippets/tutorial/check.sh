liangxin check flames --data questions.jsonl
