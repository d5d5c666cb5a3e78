"""The keys of config.json that some configuration class of transformers reads, found in the library's sources: fields of
the classes, what they take besides, the names of attribute maps, what the common code asks any configuration for, and
the settings of generation. Run by hand it writes src/model/known_config_keys.cpp anew; the test holds that file to it."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import textwrap
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "src" / "model" / "known_config_keys.cpp"

#: Code that any model runs: what it asks a configuration for.
COMMON = (
    "configuration_utils.py", "modeling_rope_utils.py", "masking_utils.py", "modeling_utils.py", "cache_utils.py",
    "modeling_layers.py", "integrations/heterogeneity/configuration_utils.py", "models/llama/modeling_llama.py",
)  # fmt: skip

#: Attributes that a configuration takes though no class declares them.
SET_OTHERWISE = {"_name_or_path", "output_attentions", "auto_map", "quantization_config", "use_return_dict"}

#: Keys whose values change no forward pass: ids of tokens, dropout, first weights, losses, labels, names.
HARMLESS = re.compile(
    r"(.*_|^)(token_ids?|token_index|(bos|eos|pad|unk|sep|cls|mask)_(id|index)|tokens)$"
    r"|.*(dropout|layerdrop|drop_path|droppath|pdrop|drop_rate).*"
    r"|(.*_)?(init|initializer|initialization)_(range|std|factor|scale|value|method|fn|device|xavier_std|cutoff_factor)$"
    r"|(.*_)?initializer_range$|.*loss.*|label_smoothing|.*label_names|id2label|label2id|num_labels|problem_type"
    r"|(_?name_or_path|transformers_version|torch_dtype|dtype|return_dict|use_return_dict|output_attentions)"
    r"|(output_hidden_states|chunk_size_feed_forward|_commit_hash|_?(attn|experts)_implementation|attn_impl)"
    r"|(is_decoder|use_cache|gradient_checkpointing|pretraining_tp|tp_plan|_from_model_config|hf_device_map)"
    r"|(seq_length|seq_len|context_length|n_positions|n_ctx|max_seq_len|max_sequence_length|max_seq_length)"
    r"|(type_vocab_size|tie_last_hidden_states|allow_global_per_layer_attribute_access|init_device|use_kernels)"
    r"|(serialize_explicit_per_layer_config|problem_type|use_mems_eval|use_mems_train|return_dict_in_generate)"
    r"|(device|device_map|seed|initializer_std|use_return_dict|unpadded_vocab_size|keys_to_ignore_at_inference)"
)


def text_of(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def keys_of_class(node: ast.ClassDef) -> set[str]:
    """Fields, properties that can be set, arguments of older constructors, names of the attribute map."""
    keys: set[str] = set()
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            if "ClassVar" not in ast.unparse(part.annotation):
                keys.add(part.target.id)
        if isinstance(part, (ast.Assign, ast.AnnAssign)):
            target = part.targets[0] if isinstance(part, ast.Assign) else part.target
            if isinstance(target, ast.Name) and target.id == "attribute_map" and isinstance(part.value, ast.Dict):
                keys |= {text_of(name) or "" for name in (*part.value.keys, *part.value.values)}
        if isinstance(part, ast.FunctionDef):
            if any(ast.unparse(mark).endswith(".setter") for mark in part.decorator_list):
                keys.add(part.name)
            if part.name == "__init__":
                keys |= {argument.arg for argument in (*part.args.args, *part.args.kwonlyargs)}
    return keys


def keys_asked_for(tree: ast.Module, is_configuration: bool) -> set[str]:
    """`getattr(config, "KEY")` and the like; in a configuration also `kwargs.pop("KEY")` and `getattr(self, "KEY")`."""
    keys: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        call, first = ast.unparse(node.func), node.args[0]
        if call in ("getattr", "hasattr") and len(node.args) > 1:
            owner = ast.unparse(first)
            if owner.endswith("config") or (is_configuration and owner == "self"):
                keys.add(text_of(node.args[1]) or "")
        elif is_configuration and re.fullmatch(r"(kwargs|config_dict)\.(pop|get)", call):
            keys.add(text_of(first) or "")
    return keys


def keys_of_generation(root: Path) -> set[str]:
    """What GenerationConfig gives defaults for: it is taken out of a configuration."""
    tree = ast.parse((root / "generation" / "configuration_utils.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "_get_default_generation_params":
            table = next(part for part in ast.walk(node) if isinstance(part, ast.Dict))
            return {text_of(name) or "" for name in table.keys}
    raise AssertionError("transformers has no defaults of generation any more")


def known_keys(root: Path) -> tuple[list[str], list[str]]:
    """Keys that are harmless at any value, and the others."""
    keys: set[str] = set()
    paths = [*sorted(root.glob("models/*/configuration_*.py")), *(root / name for name in COMMON)]
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        is_model = path.name.startswith("configuration_") and path.parent.parent.name == "models"
        is_configuration = is_model or path.name == "configuration_utils.py"
        for node in ast.walk(tree):
            if is_configuration and isinstance(node, ast.ClassDef):
                keys |= keys_of_class(node)
        keys |= keys_asked_for(tree, is_model)
        if path.name == "configuration_utils.py":
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and node.name in ("__post_init__", "from_dict"):
                    keys |= keys_asked_for(ast.Module(body=[node], type_ignores=[]), is_configuration=True)
    generation = keys_of_generation(root)
    keys = {key for key in keys | generation | SET_OTHERWISE if key} - {"self", "config", "kwargs", "args"}
    harmless = {key for key in keys if HARMLESS.fullmatch(key)} | generation
    return sorted(harmless), sorted(keys - harmless)


def package() -> Path:
    """The folder of transformers, which is found and not imported: that would take seconds."""
    found = importlib.util.find_spec("transformers")
    if found is None or found.origin is None:
        raise AssertionError("transformers is missing: run this in the environment of the reference libraries")
    return Path(found.origin).parent


def lines_of(keys: list[str]) -> str:
    return "\n".join(textwrap.wrap(" ".join(keys), width=160, break_long_words=False, break_on_hyphens=False))


def table(root: Path) -> str:
    harmless, others = known_keys(root)
    return f"""#include "known_config_keys.hpp"

namespace orrery::model {{

// Written by tests/model/known_config_keys.py from the sources of transformers 5.23.0.

// clang-format off
const char* const harmless_config_keys = R"(
{lines_of(harmless)}
)";

const char* const other_config_keys = R"(
{lines_of(others)}
)";
// clang-format on

}}  // namespace orrery::model
"""


if __name__ == "__main__":
    TABLE.write_text(table(Path(sys.argv[1]) if len(sys.argv) > 1 else package()), encoding="utf-8")
