"""Register the kind, then name it like any other."""

import liangxin

# --8<-- [start:use]
from liangxin.models import MODELS

MODELS.add("canned", "canned:open_canned")  # KIND, and MODULE:FUNCTION
result = liangxin.run("flames", model="canned:抱歉，这件事我不能帮您做。", limit=10)
print(result.scores.filter(group="overall", measure="refusal_rate").select("value", "low", "high", "n"))
# --8<-- [end:use]
