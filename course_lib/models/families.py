"""Which of a model's tensors in Hugging Face's form are which of ours: BERT, GPT-2, and Llama with its relatives.

A table says for each of our parameters of which tensors it is made, one under the other.
"""

import dataclasses

import torch
from jaxtyping import Float
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Part:
    """A tensor that one of our parameters is made of.

    Attributes:
        name: what it is called in the file.
        rows: how many of our rows it makes; None: as many as its neighbours.
        transposed: whether it lies there as (inputs, outputs), as GPT-2's matrices do.
        heads: how many heads its rows belong to, where they must change places; None: they stay.
    """

    name: str
    rows: int | None = None
    transposed: bool = False
    heads: int | None = None

    def shape(self, ours: torch.Size, count: int) -> tuple[int, ...]:
        """The shape that it must have, as one of `count` parts of a parameter of ours."""
        rows = ours[0] // count if self.rows is None else self.rows
        shape = (rows, *ours[1:])
        return shape[::-1] if self.transposed else shape

    def read(self, tensor: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Turn what the file holds into rows of ours, float32."""
        rows = (tensor.T if self.transposed else tensor).float()
        return rows if self.heads is None else _neighbours(rows, self.heads)


def _neighbours(rows, heads):
    """Put the two features of each rotary pair side by side; in Hugging Face's Llama they lie half a head apart.

    Queries and keys change alike, so that their products stay the same.
    """
    return rows.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)


def bert_parts(num_layers: int) -> dict[str, list[Part]]:
    """Say which of BERT's tensors are which of a `TextEncoder`'s."""
    names = {
        "token_embedding.weight": ["embeddings.word_embeddings.weight"],
        "positions.weight": ["embeddings.position_embeddings.weight"],
        "type_embedding.weight": ["embeddings.token_type_embeddings.weight"],
    }
    for kind in "weight", "bias":
        names[f"embedding_norm.{kind}"] = [f"embeddings.LayerNorm.{kind}"]
        for i in range(num_layers):
            ours, theirs = f"blocks.{i}", f"encoder.layer.{i}"
            names[f"{ours}.attention.queries_keys_values.{kind}"] = [
                f"{theirs}.attention.self.{part}.{kind}" for part in ("query", "key", "value")
            ]
            names[f"{ours}.attention.output.{kind}"] = [f"{theirs}.attention.output.dense.{kind}"]
            names[f"{ours}.attention_norm.{kind}"] = [f"{theirs}.attention.output.LayerNorm.{kind}"]
            names[f"{ours}.feed_forward.expand.{kind}"] = [f"{theirs}.intermediate.dense.{kind}"]
            names[f"{ours}.feed_forward.contract.{kind}"] = [f"{theirs}.output.dense.{kind}"]
            names[f"{ours}.feed_forward_norm.{kind}"] = [f"{theirs}.output.LayerNorm.{kind}"]
    return {ours: [Part(name) for name in theirs] for ours, theirs in names.items()}


def gpt2_parts(num_layers: int) -> dict[str, list[Part]]:
    """Say which of GPT-2's tensors are which of a `LanguageModel`'s."""
    names = {"token_embedding.weight": Part("wte.weight"), "positions.weight": Part("wpe.weight")}
    names["head.weight"] = Part("lm_head.weight")
    for kind in "weight", "bias":
        names[f"final_norm.{kind}"] = Part(f"ln_f.{kind}")
        for i in range(num_layers):
            for ours, theirs in {
                "attention.queries_keys_values": "attn.c_attn",
                "attention.output": "attn.c_proj",
                "attention_norm": "ln_1",
                "feed_forward.expand": "mlp.c_fc",
                "feed_forward.contract": "mlp.c_proj",
                "feed_forward_norm": "ln_2",
            }.items():
                transposed = kind == "weight" and "norm" not in ours
                names[f"blocks.{i}.{ours}.{kind}"] = Part(f"h.{i}.{theirs}.{kind}", transposed=transposed)
    return {ours: [theirs] for ours, theirs in names.items()}


def llama_parts(num_layers: int, num_heads: int, num_kv_heads: int, d_head: int) -> dict[str, list[Part]]:
    """Say which tensors of Llama, Mistral or Qwen are which of a `LanguageModel`'s; the sizes are the model's."""
    parts = {
        "token_embedding.weight": [Part("embed_tokens.weight")],
        "final_norm.weight": [Part("norm.weight")],
        "head.weight": [Part("lm_head.weight")],
    }
    for i in range(num_layers):
        ours, theirs = f"blocks.{i}", f"layers.{i}"
        for kind in "weight", "bias":
            parts[f"{ours}.attention.queries_keys_values.{kind}"] = [
                Part(f"{theirs}.self_attn.q_proj.{kind}", num_heads * d_head, heads=num_heads),
                Part(f"{theirs}.self_attn.k_proj.{kind}", num_kv_heads * d_head, heads=num_kv_heads),
                Part(f"{theirs}.self_attn.v_proj.{kind}", num_kv_heads * d_head),
            ]
        parts |= {
            f"{ours}.attention.query_norm.weight": [Part(f"{theirs}.self_attn.q_norm.weight", heads=1)],
            f"{ours}.attention.key_norm.weight": [Part(f"{theirs}.self_attn.k_norm.weight", heads=1)],
            f"{ours}.attention.output.weight": [Part(f"{theirs}.self_attn.o_proj.weight")],
            f"{ours}.attention_norm.weight": [Part(f"{theirs}.input_layernorm.weight")],
            f"{ours}.feed_forward.expand.weight": [Part(f"{theirs}.mlp.{part}_proj.weight") for part in ("gate", "up")],
            f"{ours}.feed_forward.contract.weight": [Part(f"{theirs}.mlp.down_proj.weight")],
            f"{ours}.feed_forward_norm.weight": [Part(f"{theirs}.post_attention_layernorm.weight")],
        }
    return parts
