"""Items from data files, and the order in which a run takes them."""

from liangxin.data.items import digest_of, each_once, items_of, read_items
from liangxin.data.order import stratified_order

__all__ = ["digest_of", "each_once", "items_of", "read_items", "stratified_order"]
