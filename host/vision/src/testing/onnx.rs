//! Writes small ONNX models. The messages of `crate::onnx` leave out what a reader need not see, so these are the fuller ones that a writer
//! needs; fields and numbers are those of `onnx.proto`.

use prost::Message;

/// `TensorProto.DataType`.
pub(crate) const FLOAT: i32 = 1;
pub(crate) const UINT8: i32 = 2;
pub(crate) const INT32: i32 = 6;
pub(crate) const INT64: i32 = 7;
pub(crate) const BOOL: i32 = 9;
pub(crate) const FLOAT16: i32 = 10;

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<crate::onnx::OperatorSetIdProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(crate) node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "6")]
    g: Option<Graph>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    ints: Vec<i64>,
    /// `AttributeProto.AttributeType`.
    #[prost(int32, tag = "20")]
    r#type: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ValueInfo {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    r#type: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
struct Type {
    #[prost(message, optional, tag = "1")]
    tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, optional, tag = "1")]
    dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    dim_param: Option<String>,
}

/// One side of a port.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Fixed(i64),
    Named(&'static str),
    Open,
}

/// A port of the graph.
pub(crate) fn port(name: &str, data_type: i32, shape: &[Side]) -> ValueInfo {
    let dimension = |side: &Side| match side {
        Side::Fixed(n) => Dimension {
            dim_value: Some(*n),
            dim_param: None,
        },
        Side::Named(name) => Dimension {
            dim_value: None,
            dim_param: Some((*name).to_owned()),
        },
        Side::Open => Dimension {
            dim_value: None,
            dim_param: None,
        },
    };
    let shape = Shape {
        dim: shape.iter().map(dimension).collect(),
    };
    let tensor_type = TensorType {
        elem_type: data_type,
        shape: Some(shape),
    };
    ValueInfo {
        name: name.to_owned(),
        r#type: Some(Type {
            tensor_type: Some(tensor_type),
        }),
    }
}

/// A node without settings.
pub(crate) fn node(op_type: &str, input: &[&str], output: &[&str]) -> Node {
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    Node {
        input: names(input),
        output: names(output),
        op_type: op_type.to_owned(),
        attribute: Vec::new(),
    }
}

impl Node {
    /// With a list of whole numbers as a setting.
    pub(crate) fn with_ints(mut self, name: &str, ints: &[i64]) -> Node {
        const INTS: i32 = 7;
        self.attribute.push(Attribute {
            name: name.to_owned(),
            g: None,
            ints: ints.to_vec(),
            r#type: INTS,
        });
        self
    }

    /// With a graph as a setting.
    pub(crate) fn with_graph(mut self, name: &str, graph: Graph) -> Node {
        const GRAPH: i32 = 5;
        self.attribute.push(Attribute {
            name: name.to_owned(),
            g: Some(graph),
            ints: Vec::new(),
            r#type: GRAPH,
        });
        self
    }
}

/// A constant of the graph, from little-endian bytes.
pub(crate) fn constant(name: &str, data_type: i32, dims: &[i64], raw_data: &[u8]) -> Tensor {
    Tensor {
        dims: dims.to_vec(),
        data_type,
        name: name.to_owned(),
        raw_data: raw_data.to_vec(),
    }
}

/// A model file of the operators of opset 17.
pub(crate) fn file(mut graph: Graph) -> Vec<u8> {
    graph.name = "test".to_owned();
    let opset_import = vec![crate::onnx::OperatorSetIdProto {
        domain: String::new(),
        version: 17,
    }];
    Model {
        ir_version: 8,
        graph: Some(graph),
        opset_import,
    }
    .encode_to_vec()
}
