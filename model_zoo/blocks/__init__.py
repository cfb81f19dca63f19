"""The bricks that published networks are built of. May hold functions of symbolic inputs, a few layers each."""
