//! Which protocol a path speaks.

use http::Method;
use retrial_spec::Protocol;

/// Returns the protocol of a path without the trial's prefix.
pub(crate) fn of_path(path: &str) -> Protocol {
    match path {
        "/v1/chat/completions" => Protocol::OpenaiChat,
        "/v1/responses" => Protocol::OpenaiResponses,
        "/v1/messages" => Protocol::AnthropicMessages,
        _ => Protocol::Unknown,
    }
}

/// Returns the protocol whose clients ask for a path, also where the path is no call of a model or has a prefix.
pub(crate) fn shape_of_path(path: &str) -> Protocol {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with('/');
    let is_messages = path.split_once("/v1/messages").is_some_and(|(_, rest)| ends(rest));
    if is_messages { Protocol::AnthropicMessages } else { Protocol::OpenaiChat }
}

/// Returns whether a request may make a model work. A look at a list does not, nor does counting the tokens of a request.
pub(crate) fn is_call(method: &Method, path: &str) -> bool {
    let counts = ["/v1/messages/count_tokens", "/v1/responses/input_tokens"];
    method == Method::POST && !counts.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_tokens_is_no_call_and_speaks_the_shape_of_its_protocol() {
        assert_eq!(of_path("/v1/messages"), Protocol::AnthropicMessages);
        assert_eq!(of_path("/v1/messages/count_tokens"), Protocol::Unknown);
        assert_eq!(shape_of_path("/v1/messages/count_tokens"), Protocol::AnthropicMessages);
        assert_eq!(shape_of_path("/sk-other/v1/messages"), Protocol::AnthropicMessages);
        assert_eq!(shape_of_path("/v1/messagesx"), Protocol::OpenaiChat);
        assert!(is_call(&Method::POST, "/v1/messages") && !is_call(&Method::GET, "/v1/responses/r1"));
        assert!(!is_call(&Method::POST, "/v1/messages/count_tokens"));
    }
}
