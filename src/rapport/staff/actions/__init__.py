"""Everything that changes who works here. Each call is one transaction with its audit entry."""

from rapport.staff.actions.users import add_user, set_active, set_owner, set_password, set_role, set_team

__all__ = ["add_user", "set_active", "set_owner", "set_password", "set_role", "set_team"]
