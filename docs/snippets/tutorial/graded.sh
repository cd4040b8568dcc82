liangxin run flames --data questions.jsonl --model replay:answers.jsonl --judge labels:labels.jsonl --name graded
