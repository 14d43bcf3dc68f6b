"""A carrier and the candidates' phones, for development and tests.

It speaks Twilio's messages API (https://www.twilio.com/docs/messaging/api/message-resource), signs its
callbacks and inbound webhooks as Twilio does, keeps Twilio's default opt-out, and shows the phones on a page.
Nothing here is used in production, and nothing here is shared with the code it exercises.
"""
