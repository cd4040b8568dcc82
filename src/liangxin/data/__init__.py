"""Items from data files, and the order in which a run takes them."""

from liangxin.data.items import read_items
from liangxin.data.order import stratified_order

__all__ = ["read_items", "stratified_order"]
