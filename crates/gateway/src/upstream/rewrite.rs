//! The one change that a request's body may undergo: the model's name, where the experiment chose the model.

use bytes::Bytes;

use crate::fields::Fields;

/// Returns the body with the value of its top-level `model` replaced and every other byte as it was; unchanged where it is no JSON
/// object or names no model.
pub(crate) fn with_model(body: &Bytes, model: &str) -> Bytes {
    let fields = Fields::of(body);
    let Some(value) = fields.and_then(|fields| fields.raw("model")) else { return body.clone() };
    // The value is borrowed from the body, so its address says where it is.
    let start = value.as_ptr().addr() - body.as_ptr().addr();
    let end = start + value.len();
    [&body[..start], serde_json::Value::from(model).to_string().as_bytes(), &body[end..]].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(body: &'static str) -> String {
        String::from_utf8(with_model(&Bytes::from_static(body.as_bytes()), "new\"one").to_vec()).unwrap()
    }

    #[test]
    fn only_the_models_value_changes() {
        assert_eq!(
            rewritten("{ \"a\" : {\"model\": 1}, \"model\" :  \"old\" ,\"n\":1.50 }\n"),
            "{ \"a\" : {\"model\": 1}, \"model\" :  \"new\\\"one\" ,\"n\":1.50 }\n"
        );
        assert_eq!(rewritten("{\"\\u006dodel\":null}"), "{\"\\u006dodel\":\"new\\\"one\"}");
    }

    #[test]
    fn what_names_no_model_passes() {
        for body in ["", "[]", "{}", "{\"model\": ", "nonsense"] {
            assert_eq!(rewritten(body), body);
        }
    }
}
