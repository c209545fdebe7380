//! Changes of conversations by people: who looks after one, and that it is closed.

use super::surveys::solved;
use super::threads::{Conversation, ConversationState, Edit};
use super::{Replies, ReplyFault};
use crate::database::Sql;
use crate::domain::{ConversationId, TenantId};

impl Replies {
    /// Changes a conversation.
    ///
    /// # Errors
    /// As [`Replies::conversation`].
    pub(crate) async fn edit(
        &self,
        (tenant, id): (TenantId, ConversationId),
        edit: &Edit,
    ) -> Result<Conversation, ReplyFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut update = Sql::new("UPDATE conversation SET tenant = tenant");
        if let Some(state) = edit.state {
            update.push(", state = ").value(state.into_str());
        }
        if let Some(assignee) = &edit.assignee {
            update.push(", assignee = ").value(assignee.clone());
        }
        // Who closes it, or has read it, has looked.
        if edit.read || edit.state == Some(ConversationState::Closed) {
            update.push(", unread = 0, attention = NULL");
        }
        update.push(" WHERE tenant = ").value(tenant.0);
        update.push(" AND id = ").value(id.0.cast_signed());
        let is_there = change.run(update).await? == 1;
        if is_there && edit.state == Some(ConversationState::Closed) {
            solved(&self.0, &mut change, (tenant, id)).await?;
        }
        change.commit().await?;
        self.0.due.notify_one();
        self.conversation(tenant, id).await
    }
}
