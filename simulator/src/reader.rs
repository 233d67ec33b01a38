//! Reads the world for one call: writes objects with the wanted fields, walks nested edges, and refuses what the
//! caller may not see.

mod edge;
mod page;
mod weight;

use crate::error::{GraphError, Outcome};
use crate::fault::Changes;
use crate::fields::{Field, Selection};
use crate::json::Json;
use crate::node::{self, Node};
use crate::rules::{NestedRefusal, Rules};
use crate::seed::Seed;
use crate::server::{Incoming, Memory};
use crate::world::{Identity, World};

pub(crate) use edge::{Edge, List, Style};

use weight::weight;

/// A field that was not asked for by name but belongs to the defaults.
static BY_DEFAULT: Field = Field {
    name: String::new(),
    alias: None,
    arguments: Vec::new(),
    selection: None,
};

/// Parameters of an edge: the query of the call, or the arguments inside `fields`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params<'a>(pub(crate) &'a [(String, String)]);

impl<'a> Params<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What a call took, for the meters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort {
    /// Objects that were written.
    pub(crate) objects: u64,
    /// Nested edges that were walked.
    pub(crate) nested_edges: u64,
}

/// The reading of one call.
#[derive(Debug)]
pub(crate) struct Reader<'s> {
    pub(crate) world: &'s World,
    pub(crate) caller: Identity<'s>,
    pub(crate) call: &'s Incoming,
    /// Major number of the version that serves the call.
    pub(crate) version: u32,
    pub(crate) version_name: &'s str,
    pub(crate) now: i64,
    /// What the server remembers between calls.
    pub(crate) memory: &'s Memory,
    /// What a scripted fault makes of this call.
    pub(crate) changes: &'s Changes,
    /// Changes with every read; signed addresses follow from it.
    pub(crate) nonce: Seed,
    pub(crate) json: Json,
    pub(crate) effort: Effort,
}

impl<'s> Reader<'s> {
    pub(crate) fn rules(&self) -> &'s Rules {
        &self.world.spec().rules
    }

    /// Writes an object with the selected fields, or with the defaults of its node type. The id is always told.
    pub(crate) fn object(&mut self, node: &Node<'s>, selection: Option<&Selection>) -> Outcome<()> {
        self.effort.objects += 1;
        self.json.open_object();
        let mut id_is_told = false;
        if let Some(selection) = selection {
            for field in &selection.fields {
                id_is_told |= field.key() == "id";
                self.field(node, &field.name, field)?;
            }
        } else {
            for name in node.default_fields() {
                id_is_told |= name == "id";
                self.field(node, name, &BY_DEFAULT)?;
            }
        }
        if !id_is_told && node.has_id() {
            self.field(node, "id", &BY_DEFAULT)?;
        }
        self.json.close_object();
        Ok(())
    }

    /// Writes one member, or nothing where the API tells nothing.
    fn field(&mut self, node: &Node<'s>, name: &str, field: &Field) -> Outcome<()> {
        let key = field.alias.as_deref().unwrap_or(name);
        if node::write_field(self, node, name, key, field)? {
            return Ok(());
        }
        let mark = self.json.mark();
        match self.nested_edge(node, name, key, field) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.nonexisting_field(node, name)),
            Err(_) if self.rules().nested_refusal == NestedRefusal::KeyMissing => {
                self.json.rewind(&mark);
                Ok(())
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Writes an edge inside an object. Says whether the node has such an edge; an empty one leaves no trace.
    fn nested_edge(
        &mut self,
        node: &Node<'s>,
        name: &str,
        key: &str,
        field: &Field,
    ) -> Outcome<bool> {
        let params = Params(&field.arguments);
        let Some(edge) = node::edge(self, node, name, params)? else {
            return Ok(false);
        };
        self.effort.nested_edges += 1;
        let mark = self.json.mark();
        self.json.key(key);
        let written = self.write_edge(edge, node, name, params, field.selection.as_ref(), true)?;
        if written == 0 {
            self.json.rewind(&mark);
        }
        Ok(true)
    }

    /// Answers `GET /{node}/{edge}`.
    pub(crate) fn top_edge(
        &mut self,
        node: &Node<'s>,
        name: &str,
        selection: Option<&Selection>,
    ) -> Outcome<()> {
        let params = Params(&self.call.params);
        let Some(edge) = node::edge(self, node, name, params)? else {
            let known_elsewhere = node::is_edge_of_some_node(name);
            return Err(if known_elsewhere {
                self.nonexisting_field(node, name)
            } else {
                GraphError::unknown_path(name)
            });
        };
        self.write_edge(edge, node, name, params, selection, false)?;
        Ok(())
    }

    /// Answers an edge that hangs below no node.
    pub(crate) fn rootless_edge(
        &mut self,
        edge: Edge<'s>,
        name: &str,
        selection: Option<&Selection>,
    ) -> Outcome<()> {
        self.write_edge(
            edge,
            &Node::User,
            name,
            Params(&self.call.params),
            selection,
            false,
        )?;
        Ok(())
    }

    /// Refuses what is too much at once. Recorded: where nothing is listed, nothing is too much.
    pub(crate) fn check_weight(&self, selection: Option<&Selection>, items: u64) -> Outcome<()> {
        let most = self.rules().max_weight.unwrap_or(u64::MAX);
        if weight(selection, items) > most {
            Err(GraphError::too_much_data())
        } else {
            Ok(())
        }
    }

    pub(crate) fn nonexisting_field(&self, node: &Node<'s>, name: &str) -> GraphError {
        GraphError::nonexisting_field(name, self.rules().name_node_type.then(|| node.type_name()))
    }

    /// Refuses unless all permissions work on the page of an account.
    pub(crate) fn require(&self, account: u32, permissions: &[&str]) -> Outcome<()> {
        let Some(page) = self.world.page_of_account(account) else {
            return Err(GraphError::no_permission());
        };
        if self.rules().business_roles_need_ads_permission && self.lacks_ads_permission() {
            return Err(GraphError::no_permission());
        }
        match permissions
            .iter()
            .find(|permission| !self.caller.may(permission, page))
        {
            None => Ok(()),
            // Recorded in two forms: insights name the permission, everything else does not.
            Some(permission) if *permission == "instagram_manage_insights" => {
                Err(GraphError::requires(permission))
            }
            Some(_) => Err(GraphError::no_permission()),
        }
    }

    /// Refuses unless a permission was granted at all; for what belongs to no page.
    pub(crate) fn require_granted(&self, permission: &str) -> Outcome<()> {
        if self.caller.is_granted(permission) {
            Ok(())
        } else {
            Err(GraphError::no_permission())
        }
    }

    fn lacks_ads_permission(&self) -> bool {
        self.caller
            .spec()
            .is_some_and(|spec| spec.role_from_business)
            && !self.caller.is_granted("ads_management")
            && !self.caller.is_granted("ads_read")
    }

    /// A number that no other read has seen.
    pub(crate) fn next_nonce(&mut self) -> Seed {
        self.nonce = self.nonce.with(1);
        self.nonce
    }
}
