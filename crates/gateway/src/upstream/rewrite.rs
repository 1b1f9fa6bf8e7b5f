//! The one change that a request's body may undergo: the model's name, where the experiment chose the model.

use bytes::Bytes;

use crate::fields::Fields;

/// Returns the body with the value of its top-level `model` replaced and every other byte as it was; unchanged where it is no JSON
/// object or names no model. Where it names several, each is replaced, whichever of them the provider would take.
pub(crate) fn with_model(body: &Bytes, model: &str) -> Bytes {
    let Some(fields) = Fields::of(body) else { return body.clone() };
    let model = serde_json::Value::from(model).to_string();
    let (mut rewritten, mut copied) = (Vec::new(), 0);
    for value in fields.all("model") {
        // The value is borrowed from the body, so its address says where it is.
        let start = value.as_ptr().addr() - body.as_ptr().addr();
        rewritten.extend_from_slice(&body[copied..start]);
        rewritten.extend_from_slice(model.as_bytes());
        copied = start + value.len();
    }
    if copied == 0 {
        return body.clone();
    }
    rewritten.extend_from_slice(&body[copied..]);
    rewritten.into()
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
    fn every_model_changes_where_there_are_several() {
        assert_eq!(
            rewritten("{\"model\":1,\"n\":{\"model\":2},\"mod\\u0065l\":[3] ,\"model\":\"\"}"),
            "{\"model\":\"new\\\"one\",\"n\":{\"model\":2},\"mod\\u0065l\":\"new\\\"one\" ,\"model\":\"new\\\"one\"}"
        );
    }

    #[test]
    fn what_names_no_model_passes() {
        for body in ["", "[]", "{}", "{\"model\": ", "nonsense"] {
            assert_eq!(rewritten(body), body);
        }
    }
}
