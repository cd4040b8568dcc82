liangxin run flames --model gguf --limit 12 --max-tokens 48 --temperature 0 --name first
