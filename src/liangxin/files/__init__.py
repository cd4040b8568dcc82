"""Users' files: what they hold, row by row, and tables written so that a spreadsheet shows them as they are.

`opening` unpacks, `encodings` tells the text's encoding, `rows` reads every format, `workbook` reads xlsx,
`apart` does so in a process that can be ended, `writing` writes csv and xlsx.
"""

from liangxin.files.json_text import parse_json, writable
from liangxin.files.opening import file_digest
from liangxin.files.rows import is_table, read_rows, read_text
from liangxin.files.shown import show

__all__ = ["file_digest", "is_table", "parse_json", "read_rows", "read_text", "show", "writable"]
