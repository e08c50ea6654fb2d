//! What ONNX Runtime's texts about a graphics card mean: it gives its own places in C++ first, one inside the other, and no code for what happened.

use crate::inference::{Device, InferenceError};

/// What begins the part that says that the card, and not the model or its inputs, is the trouble: from CUDA, its two libraries, and ONNX Runtime's
/// arena.
const FAILURES: [&str; 4] = [
    "CUDA failure",
    "CUDNN failure",
    "CUBLAS failure",
    "Failed to allocate memory",
];

/// The error of a card that failed; nothing for every other text, and on the processor.
pub(super) fn failed(device: Device, text: &str) -> Option<InferenceError> {
    let failed = device != Device::Cpu && FAILURES.iter().any(|words| text.contains(words));
    failed.then(|| InferenceError::DeviceFailed {
        device,
        cause: gist(text).to_owned(),
    })
}

/// The part of a text that says what happened; all of it where none is known.
pub(super) fn gist(text: &str) -> &str {
    let begins = FAILURES.iter().find_map(|mark| text.rfind(mark));
    // What stands before it in other texts.
    let from = begins.or_else(|| {
        ["operator() ", "FAIL : "]
            .iter()
            .find_map(|mark| Some(text.rfind(mark)? + mark.len()))
    });
    let part = &text[from.unwrap_or(0)..];
    part.split(" ;").next().unwrap_or(part).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    // As ONNX Runtime 1.31.1 said them on an H100, and on a machine without CUDA; shortened.
    const NO_CARD: &str = "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc:63 static onnxruntime::CUDAExecutionProviderInfo onnxruntime::CUDAExecutionProviderInfo::FromProviderOptions(const onnxruntime::ProviderOptions&) [ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:187 Parse Failed to parse provider option \"device_id\": CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc ; line=70 ; expr=cudaGetDeviceCount(&num_devices);";
    const OTHER_CARD: &str = "[ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:187 Parse Failed to parse provider option \"device_id\": cuda_execution_provider_info.cc:71 operator() Invalid device ID: 1, must be between 0 (inclusive) and 1 (exclusive).";
    const NO_CUBLAS: &str = "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library /x/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory";
    const FULL: &str = "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:146 std::conditional_t<THRW, void, common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) CUDA failure 2: out of memory ; GPU=0 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=355 ; expr=cudaSetDevice(info_.device_id);";
    const ARENA: &str = "Non-zero status code returned while running Relu node. Name:'' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(…) Failed to allocate memory for requested buffer of size 23592960";

    #[test]
    fn what_happened_is_told_without_the_places_in_cpp() {
        assert_eq!(
            gist(NO_CARD),
            "CUDA failure 100: no CUDA-capable device is detected"
        );
        assert_eq!(
            gist(OTHER_CARD),
            "Invalid device ID: 1, must be between 0 (inclusive) and 1 (exclusive)."
        );
        assert_eq!(
            gist(NO_CUBLAS),
            "Failed to load library /x/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory"
        );
        assert_eq!(gist("anything else"), "anything else");
    }

    #[test]
    fn a_card_that_fails_is_told_apart_and_only_on_a_card() {
        let card = Device::Cuda { index: 0 };
        let cause = |text| match failed(card, text) {
            Some(InferenceError::DeviceFailed { cause, .. }) => Some(cause),
            _ => None,
        };
        assert_eq!(
            cause(FULL).as_deref(),
            Some("CUDA failure 2: out of memory")
        );
        assert_eq!(
            cause(ARENA).as_deref(),
            Some("Failed to allocate memory for requested buffer of size 23592960")
        );
        for other in [
            OTHER_CARD,
            NO_CUBLAS,
            "Non-zero status code returned while running Reshape node.",
        ] {
            assert_eq!(cause(other), None);
        }
        assert_eq!(failed(Device::Cpu, ARENA), None);
    }
}
