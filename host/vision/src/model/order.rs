//! Whether the nodes of a graph can be put in an order in which each comes after what it needs.

use std::collections::HashMap;

use crate::onnx::{GraphProto, NodeProto};

/// A node's name, or its first output where it has none.
pub(super) fn name_of(node: &NodeProto) -> String {
    match node.name.is_empty() {
        true => node.output.first().cloned().unwrap_or_default(),
        false => node.name.clone(),
    }
}

/// The name of a node that waits for itself, through others or not; `None` where there is an order.
pub(super) fn circle(nodes: &[NodeProto]) -> Option<String> {
    let mut makers = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            makers.insert(output.as_str(), index);
        }
    }
    // For each node those that need it, and how many it needs itself.
    let mut needed_by = vec![Vec::new(); nodes.len()];
    let mut needs = vec![0usize; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        let mut inputs = Vec::new();
        inputs_of(node, &mut inputs);
        for maker in inputs.into_iter().filter_map(|input| makers.get(input)) {
            needed_by[*maker].push(index);
            needs[index] += 1;
        }
    }
    let mut ready: Vec<usize> = (0..nodes.len())
        .filter(|index| needs[*index] == 0)
        .collect();
    let mut done = 0;
    while let Some(index) = ready.pop() {
        done += 1;
        for next in &needed_by[index] {
            needs[*next] -= 1;
            if needs[*next] == 0 {
                ready.push(*next);
            }
        }
    }
    (done < nodes.len()).then(|| {
        let waits = needs.iter().position(|count| *count > 0);
        waits
            .and_then(|index| nodes.get(index))
            .map(name_of)
            .unwrap_or_default()
    })
}

/// What a node takes, and what the graphs inside of it take from outside of themselves. A name that such a graph makes itself is its own.
fn inputs_of<'n>(node: &'n NodeProto, inputs: &mut Vec<&'n str>) {
    inputs.extend(node.input.iter().map(String::as_str));
    for graph in node
        .attribute
        .iter()
        .flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
    {
        let mut inner = Vec::new();
        graph
            .node
            .iter()
            .for_each(|node| inputs_of(node, &mut inner));
        inner.extend(graph.output.iter().map(|output| output.name.as_str()));
        let own = own_of(graph);
        inputs.extend(inner.into_iter().filter(|name| !own.contains(name)));
    }
}

fn own_of(graph: &GraphProto) -> std::collections::HashSet<&str> {
    let made = graph.node.iter().flat_map(|node| &node.output);
    made.chain(graph.input.iter().map(|input| &input.name))
        .chain(graph.initializer.iter().map(|tensor| &tensor.name))
        .map(String::as_str)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::AttributeProto;

    fn node(inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        NodeProto {
            input: names(inputs),
            output: names(outputs),
            ..NodeProto::default()
        }
    }

    fn around(inner: Vec<NodeProto>, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let graph = GraphProto {
            node: inner,
            ..GraphProto::default()
        };
        NodeProto {
            attribute: vec![AttributeProto {
                g: Some(graph),
                ..AttributeProto::default()
            }],
            ..node(inputs, outputs)
        }
    }

    #[test]
    fn nodes_in_any_order_are_fine_and_a_circle_is_named() {
        assert_eq!(circle(&[]), None);
        assert_eq!(
            circle(&[node(&["b"], &["c"]), node(&["a", "a"], &["b"])]),
            None
        );
        assert_eq!(
            circle(&[node(&["a", ""], &["a2", ""]), node(&["", "a2"], &["", "y"])]),
            None
        );
        assert_eq!(circle(&[node(&["y"], &["y"])]), Some("y".to_owned()));
        let three = [
            node(&["c"], &["a"]),
            node(&["a"], &["b"]),
            node(&["b", "x"], &["c"]),
        ];
        assert_eq!(circle(&three), Some("a".to_owned()));
    }

    #[test]
    fn a_circle_through_a_graph_inside_of_a_node_is_one() {
        let inner = |from: &str, to: &str| vec![node(&[from], &[to])];
        assert_eq!(circle(&[around(inner("a", "b"), &["x"], &["y"])]), None);
        // What the inner graph makes itself is not what the outer makes.
        assert_eq!(
            circle(&[around(
                vec![node(&["x"], &["y"]), node(&["y"], &["z"])],
                &["x"],
                &["y"]
            )]),
            None
        );
        assert!(circle(&[around(inner("y", "b"), &["x"], &["y"])]).is_some());
    }
}
