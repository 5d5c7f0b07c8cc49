"""From a data set to what a config trains on: joined, checked, split, remembered."""
