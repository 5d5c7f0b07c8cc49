"""A small detector for photographs of any kind: minutes on two cores for a few hundred pictures."""

_base_ = ["_base_/lite0.py", "_base_/own_data.py", "_base_/schedule_data.py"]
