//! `/oauth/access_token`: a long-lived token for a living one.
//!
//! Meta's page: "Get Long-Lived Access Tokens" (…/docs/facebook-login/guides/access-tokens/get-long-lived).

use crate::error::{GraphError, Outcome};
use crate::reader::{Params, Reader};
use crate::server::{Incoming, why_dead};
use crate::world::{Identity, LONG_LIFE, TokenKey, World};

/// Whether a call asks for an exchange: then the app calls, with its secret in place of a token.
pub(crate) fn is_exchange(call: &Incoming) -> bool {
    call.path == ["oauth", "access_token"]
}

/// The app, if id and secret are right.
pub(crate) fn identify_app<'w>(world: &'w World, call: &Incoming) -> Outcome<Identity<'w>> {
    let params = Params(&call.params);
    let id = required(params, "client_id")?;
    let secret = required(params, "client_secret")?;
    world.identify_app(id, secret).ok_or_else(|| {
        // The pages name neither code nor text. Both are what people saw who tried wrong values; the code of a wrong
        // secret is a switch, because 1 also stands for errors that pass.
        if id == world.spec().app.id {
            let code = world.spec().rules.wrong_secret_code;
            GraphError::new(code, "Error validating client secret.")
        } else {
            GraphError::new(101, "Error validating application. Invalid application ID.")
        }
    })
}

/// Each exchange gives a new text; an expired token cannot be exchanged.
pub(crate) fn write(reader: &mut Reader<'_>) -> Outcome<()> {
    let params = Params(&reader.call.params);
    let grant_type = required(params, "grant_type")?;
    if grant_type != "fb_exchange_token" {
        let text = format!("Invalid grant_type: '{grant_type}'.");
        return Err(GraphError::new(100, text));
    }
    let text = required(params, "fb_exchange_token")?;
    let Some(token) = reader.world.identify(text) else {
        return Err(GraphError::new(
            190,
            "The access token could not be decrypted",
        ));
    };
    if let Some(dead) = why_dead(reader.world, &token, reader.now) {
        return Err(dead);
    }
    // A token that never ends stays one that never ends.
    let life = token.expires_at().map(|_| LONG_LIFE);
    let expires_at = life.map_or(0, |life| reader.now + life);
    let nonce = reader.next_nonce().bits();
    let is_users = matches!(token.key, TokenKey::User(_));
    let exchanged = token.long_lived_token(expires_at, nonce);
    // The page speaks of user tokens alone.
    let Some(exchanged) = exchanged.filter(|_| is_users) else {
        return Err(GraphError::new(100, "Invalid parameter"));
    };
    reader.json.open_object();
    reader.json.string_member("access_token", &exchanged);
    reader.json.plain_member("token_type", "bearer");
    // Tokens without an end have no `expires_in`.
    if let Some(life) = life {
        reader.json.integer_member("expires_in", life);
    }
    reader.json.close_object();
    Ok(())
}

fn required<'c>(params: Params<'c>, name: &str) -> Outcome<&'c str> {
    params
        .get(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| GraphError::missing_parameter(name))
}
