"""Networks of either mode: made from a base encoder, and read back from a scorer folder.

Modules are built here by name, never by what a folder's `modules.json` asks for, so that a folder
can't choose which code runs.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.encoders import fit_tokenizer
from sts.errors import ScorerError, reason
from sts.models.coverage import split_long_words
from sts.quiet import quiet_libraries

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

    from sts.models.info import Head, Pooling, ScorerInfo

    Network = CrossEncoder | SentenceTransformer

HEAD_FOLDER = "1_BiLstmHead"


def new_cross_network(encoder_folder: Path, *, head: "Head", max_length: int, training: bool = True) -> "CrossEncoder":
    """A cross-encoder with pretrained encoder and fresh head.

    Args:
        encoder_folder: a transformers checkpoint.
        head: `linear` (the architecture's own classification head) or `bilstm`.
        max_length: tokens of a pair at most.
        training: choose the attention kernel that is fastest forward and backward, not forward alone.

    Raises:
        UsageError: `max_length` exceeds the encoder's positions.
    """
    from sts.models.heads import BiLstmHead

    encoder = _transformer(encoder_folder, head, max_length, training)
    if head == "bilstm":
        return _assemble([encoder, BiLstmHead(encoder.get_embedding_dimension())])
    return _assemble([encoder])


def new_bi_network(
    encoder_folder: Path, *, pooling: "Pooling", prompt: str, max_length: int, training: bool = True
) -> "SentenceTransformer":
    """A bi-encoder: a pretrained encoder, pooling, and vectors of unit length.

    Args:
        encoder_folder: a transformers checkpoint.
        pooling: `mean` of the token states, or the first one's (`cls`).
        prompt: what is put before each sentence.
        max_length: tokens of a sentence at most, those of the prompt among them.
        training: as for `new_cross_network`.

    Raises:
        UsageError: `max_length` exceeds the encoder's positions.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    encoder = _transformer(encoder_folder, None, max_length, training)
    with quiet_libraries():
        network = SentenceTransformer(
            modules=[encoder, Pooling(encoder.get_embedding_dimension(), pooling_mode=pooling), Normalize()],
            similarity_fn_name="cosine",
            # named in the folder too, so that sentence-transformers alone makes the same vectors of it
            prompts={"sentence": prompt} if prompt else None,
            default_prompt_name="sentence" if prompt else None,
        )
    network.model_card_data.generate_widget_examples = False  # of a card that is never written
    return network


def read_network(folder: Path, info: "ScorerInfo") -> "Network":
    """The network of a scorer folder (or checkpoint) that `info` describes.

    Raises:
        ScorerError: weights are missing, truncated, not safetensors, or do not fit the configuration.
    """
    from safetensors import SafetensorError

    from sts.models.heads import BiLstmHead

    if not (folder / "model.safetensors").is_file():
        raise ScorerError(f"{folder}: holds no model.safetensors; the scorer is incomplete, train or copy it again")
    try:
        if info.mode == "bi":
            pooling = info.pooling or "mean"
            return new_bi_network(
                folder, pooling=pooling, prompt=info.prompt, max_length=info.max_length, training=False
            )
        modules: list[Any] = [_transformer(folder, info.head, info.max_length, training=False)]
        if info.head == "bilstm":
            modules.append(BiLstmHead.load(str(folder / HEAD_FOLDER)))
        return _assemble(modules)
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise ScorerError(f"{folder}: the network can't be read ({reason(error)}); train or copy it again") from error


def _transformer(folder: Path, head: "Head | None", max_length: int, training: bool) -> Any:
    """The encoder with its tokenizer; for a cross-encoder (`head`), with one output label."""
    import torch
    from sentence_transformers.base.modules import Transformer

    # On CPUs the fused attention's backward pass is slower than plain matrix products.
    eager = training and not torch.cuda.is_available()
    # said outright: left open, transformers asks on standard input whether to run a checkpoint's code
    safe = {"local_files_only": True, "trust_remote_code": False}
    model_options = {"use_safetensors": True, "dtype": torch.float32, **safe}
    with quiet_libraries():
        module = Transformer(
            str(folder),
            transformer_task="sequence-classification" if head == "linear" else "feature-extraction",
            model_kwargs=model_options | ({"attn_implementation": "eager"} if eager else {}),
            config_kwargs=safe | ({"num_labels": 1} if head else {}),
            processor_kwargs=safe,
        )
    fit_tokenizer(module.tokenizer, module.model.config, max_length)
    split_long_words(module.tokenizer.backend_tokenizer)
    return module


def _assemble(modules: list[Any]) -> "CrossEncoder":
    from sentence_transformers import CrossEncoder
    from torch import nn

    network = CrossEncoder(modules=modules, activation_fn=nn.Sigmoid(), num_labels=1)
    # a logit rounded to bf16 would leave some hundred different scores, and many ties
    last = [name for name, module in network.named_modules() if type(module) is nn.Linear and module.out_features == 1]
    network.set_keep_in_fp32_modules(last)
    return network
