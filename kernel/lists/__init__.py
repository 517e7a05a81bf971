"""Lists of the house: described once as columns, filters and order; the description drives head, column choice, views and export."""

from kernel.lists.description import LISTS, UNORDERED, Column, ListDescription, Order, declare_list, ordered_by

__all__ = ["LISTS", "UNORDERED", "Column", "ListDescription", "Order", "declare_list", "ordered_by"]
