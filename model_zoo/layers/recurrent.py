"""Recurrent layers, their wrappers, and convolutional recurrence."""

from model_zoo.declare import Family, Tier, tensor

_family = Family(__name__, "layers")
_SEQUENCE = tensor(7, 5)

CASES = (
    _family.layer("lstm/last", _SEQUENCE, lambda nn: nn.LSTM(6)),
    _family.layer("lstm/sequences", _SEQUENCE, lambda nn: nn.LSTM(6, return_sequences=True), tier=Tier.FULL),
    _family.layer("gru/sequences", _SEQUENCE, lambda nn: nn.GRU(6, return_sequences=True)),
    _family.layer("simple_rnn/last", _SEQUENCE, lambda nn: nn.SimpleRNN(6), tier=Tier.FULL),
    _family.layer("bidirectional/lstm", _SEQUENCE, lambda nn: nn.Bidirectional(nn.LSTM(6, return_sequences=True))),
    _family.layer("time_distributed/conv2d", tensor(3, 5, 7, 2), lambda nn: nn.TimeDistributed(nn.Conv2D(4, 3))),
    _family.layer("time_distributed/dense", _SEQUENCE, lambda nn: nn.TimeDistributed(nn.Dense(6)), tier=Tier.FULL),
    _family.layer("conv_lstm2d/last", tensor(3, 5, 7, 2), lambda nn: nn.ConvLSTM2D(4, 3, padding="same")),
)
