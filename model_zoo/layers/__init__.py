"""One file per family of Keras layer, each a table of cases. May hold single layers and the fewest around them only."""
