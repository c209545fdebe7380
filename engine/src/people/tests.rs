//! People in a database of their own.

use serde_json::json;

use super::*;
use crate::database::tests::open;
use crate::domain::{ContactId, Recipient, TenantId};
