"""Collects which ONNX operators a set of models uses: domain, version, attributes, element types, ranks."""
import collections

import numpy as np
import onnx
from onnx import AttributeProto, helper

import model_folder


def _nodes(graph, depth=0):
    for node in graph.node:
        yield node, depth
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.type == AttributeProto.GRAPH else attribute.graphs:
                yield from _nodes(inner, depth + 1)


def _attribute_text(attribute):
    """The value when it is short and says something, else only its kind."""
    if attribute.type == AttributeProto.GRAPH:
        return "graph"
    value = helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return f"tensor {onnx.TensorProto.DataType.Name(value.data_type).lower()}"
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float):
        return "float"
    if isinstance(value, int):
        return str(value)
    items = list(value)
    if items and isinstance(items[0], bytes):
        distinct = sorted({i.decode() for i in items})
        return "strings" if len(distinct) > 8 or attribute.name.startswith(("cats", "keys", "values", "classlabels")) \
            else "{" + ",".join(distinct) + "}"
    if items and isinstance(items[0], float):
        return "floats"
    if len(items) <= 3 and not attribute.name.startswith(("class_", "target_", "nodes_", "cats", "classlabels")):
        return str([int(i) for i in items])
    return "ints"


def _since(node, opsets):
    domain = "" if node.domain == "ai.onnx" else node.domain
    try:
        return onnx.defs.get_schema(node.op_type, opsets[domain], domain).since_version
    except Exception:  # noqa: BLE001  a contributed domain has no schema here
        return opsets.get(domain, 1)


def _kind(value):
    if isinstance(value, list):
        return "seq(map)" if value and isinstance(value[0], dict) else "seq"
    value = np.asarray(value)
    return "string" if value.dtype.kind in "OUS" else str(value.dtype)


class OperatorTable:
    """One row for each (domain, operator, since-version)."""

    def __init__(self):
        self.rows = collections.defaultdict(lambda: {
            "models": set(), "attributes": collections.defaultdict(set), "types": set(), "ranks": set(),
            "subgraph": False, "opsets": set()})

    def add_model(self, name, model, values):
        opsets = {("" if o.domain == "ai.onnx" else o.domain): o.version for o in model.opset_import}
        known = self._run_all(model, values)
        used = set()
        for node, depth in _nodes(model.graph):
            domain = "" if node.domain == "ai.onnx" else node.domain
            row = self.rows[(domain, node.op_type, _since(node, opsets))]
            row["models"].add(name)
            row["opsets"].add(opsets.get(domain, 0))
            row["subgraph"] |= depth > 0
            for attribute in node.attribute:
                row["attributes"][attribute.name].add(_attribute_text(attribute))
            if all(n in known or not n for n in list(node.input) + list(node.output)):
                ins = ",".join(known[n][0] if n else "-" for n in node.input)
                outs = ",".join(known[n][0] if n else "-" for n in node.output)
                row["types"].add(f"{ins} -> {outs}")
                row["ranks"].update(known[n][1] for n in node.input if n and known[n][1] is not None)
            used.add(f"{domain + '.' if domain else ''}{node.op_type}")
        return sorted(used)

    @staticmethod
    def _run_all(model, values):
        """Element type and rank of every top-level value, found by running the model with all values as outputs."""
        whole = onnx.ModelProto()
        whole.CopyFrom(model)
        have = {o.name for o in whole.graph.output}
        for node in model.graph.node:
            for name in node.output:
                if name and name not in have:
                    have.add(name)
                    whole.graph.output.append(onnx.ValueInfoProto(name=name))
        session = model_folder.open_session(whole)
        feed = model_folder.typed_inputs(session, values)
        found = dict(zip([o.name for o in session.get_outputs()], session.run(None, feed)))
        found.update(feed)
        found.update({i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer})
        return {n: (_kind(v), None if isinstance(v, list) else np.asarray(v).ndim) for n, v in found.items()}

    def markdown(self, made):
        lines = [
            "# Operators that scikit-learn, XGBoost and LightGBM models are exported with", "",
            f"Made by make_estimators.py over {len(made)} models. *Version* is the operator's since-version; *opsets* are the "
            "versions of its domain that the files import.", "Types are those of the top-level nodes met when the models run "
            "(inputs -> outputs); rank counts every tensor input. *Sub* marks operators also met inside Scan, Loop or If.", "",
            "| domain | operator | version | opsets | models | sub | attributes | types | ranks |",
            "|---|---|---|---|---|---|---|---|---|"]
        for key in sorted(self.rows):
            row = self.rows[key]
            attributes = "; ".join(f"{n}={'/'.join(sorted(v))}" for n, v in sorted(row["attributes"].items()))
            types = "; ".join(sorted(row["types"], key=len)[:6])
            more = len(row["types"]) - 6
            lines.append(
                f"| {key[0] or 'ai.onnx'} | {key[1]} | {key[2]} | {','.join(map(str, sorted(row['opsets'])))} | "
                f"{len(row['models'])} | {'yes' if row['subgraph'] else ''} | {attributes} | "
                f"{types}{f' and {more} more' if more > 0 else ''} | {','.join(map(str, sorted(row['ranks'])))} |")
        lines += ["", "## Models", "", "| model | group | nodes | operators |", "|---|---|---|---|"]
        lines += [f"| {m['name']} | {m['group']} | {m['nodes']} | {' '.join(m['operators'])} |" for m in made]
        return "\n".join(lines) + "\n"
