"""The architectures of the course, from scratch in PyTorch: batch first, mask True = may attend.

attention, positions            the parts
blocks                          attention, feed-forward, residual and norm together
transformer                     encoder-decoder, for translation
encoder, decoder, vision        BERT-style, GPT-style and Llama-style, and for images
tiny                            GPT on one page, the same as decoder's in fewer words
classifier                      a text's class, on top of an encoder
recurrent                       the ancestors: recurrent networks with attention
decoding, pretrained            generation, and real weights
checks, fast                    what they ask of their arguments, and what only makes them fast

Loaded on first use: `from course_lib.models import LanguageModel` brings PyTorch, `import course_lib.models` does not.
"""

from course_lib.faces import face

_HOMES = {
    "ALiBi": "positions",
    "Block": "blocks",
    "BlockSizes": "blocks",
    "DecoderBlock": "blocks",
    "EncoderBlock": "blocks",
    "FeedForward": "blocks",
    "LLAMA": "decoder",
    "LanguageModel": "decoder",
    "LearnedPositions": "positions",
    "MultiHeadAttention": "attention",
    "RecurrentTranslator": "recurrent",
    "Rotary": "positions",
    "RotaryStretch": "positions",
    "SinusoidalPositions": "positions",
    "TextClassifier": "classifier",
    "TextEncoder": "encoder",
    "TinyModel": "tiny",
    "Transformer": "transformer",
    "VisionTransformer": "vision",
    "beam_search": "decoding",
    "greedy": "decoding",
    "load_encoder": "pretrained",
    "load_language_model": "pretrained",
    "load_tokenizer": "pretrained",
    "sample": "decoding",
}

__getattr__, __dir__ = face(__name__, _HOMES)
