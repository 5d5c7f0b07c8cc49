"""The files of a data set: their names, their content, and which belong together."""
