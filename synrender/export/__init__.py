"""Host side: data sets in the formats of other people's tools, with a card that describes them."""
