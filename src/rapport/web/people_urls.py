"""The addresses of people: who works here, teams, invitations, and one's own profile."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import invitations, people, profile, teams

urlpatterns = [
    path("people/", people.people, name="people"),
    path("people/permissions/", people.permissions, name="permissions"),
    path("people/teams/", teams.teams, name="teams"),
    path("people/teams/new/", teams.create, name="team-new"),
    path("people/teams/<int:team_id>/", teams.team, name="team"),
    path("people/teams/<int:team_id>/delete/", teams.delete, name="team-delete"),
    path("people/invitations/", invitations.invitations, name="invitations"),
    path("people/invitations/<int:invitation_id>/renew/", invitations.renew, name="invitation-renew"),
    path("people/invitations/<int:invitation_id>/revoke/", invitations.revoke, name="invitation-revoke"),
    path("people/undo/<int:reversal_id>/", people.undo, name="people-undo"),
    path("people/<int:person_id>/", people.person, name="person"),
    path("people/<int:person_id>/role/", people.role, name="person-role"),
    path("people/<int:person_id>/leave/", people.leave, name="person-leave"),
    path("people/<int:person_id>/reactivate/", people.reactivate, name="person-reactivate"),
    path("people/<int:person_id>/sign-out/", people.sign_out, name="person-sign-out"),
    path("people/<int:person_id>/owner/", people.owner, name="person-owner"),
    path("people/<int:person_id>/picture/", people.picture, name="person-picture"),
    path("account/profile/", profile.profile, name="account-profile"),
    path("account/picture/", profile.picture, name="account-picture"),
    path("account/signatures/", profile.signatures, name="account-signatures"),
    path("account/availability/", profile.availability, name="account-availability"),
    path("account/logins/", profile.logins, name="account-logins"),
    path("invitation/<str:token>/", invitations.invitation, name="invitation"),
]
