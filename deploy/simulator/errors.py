"""Errors as Twilio's API words them: HTTP status, code, message, link."""

# https://www.twilio.com/docs/api/errors
MESSAGES = {
    20001: "Invalid parameter",
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid From Number (caller ID)",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
    21602: "Message body is required.",
    21603: "A 'From' or 'MessagingServiceSid' parameter is required to send a message.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number provided is not a valid message-capable phone number for this account.",
    21609: "The 'StatusCallback' URL is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "Message cannot be sent with the current combination of 'To' and/or 'From' parameters",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit.",
    21704: "The Messaging Service contains no phone numbers.",
    21705: "The Messaging Service is invalid.",
}
HTTP_STATUS = {20003: 401, 20404: 404, 20429: 429}


class ApiError(Exception):
    """The API's answer is no, with Twilio's code and maybe a time to wait."""

    def __init__(self, code: int, retry_after_s: int | None = None, *, problem_details: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s
        self.problem_details = problem_details

    @property
    def http_status(self) -> int:
        """400 unless the code has a status of its own."""
        return HTTP_STATUS.get(self.code, 400)

    def as_body(self) -> dict[str, object]:
        """The four fields of every error of Twilio's API, or its newer form: RFC 9457, with a code."""
        message = MESSAGES.get(self.code, "The message was refused")
        address = f"https://www.twilio.com/docs/errors/{self.code}"
        more = {"code": self.code, "status": self.http_status}
        if self.problem_details:
            return {"type": address, "title": message, **more}
        return {"message": message, "more_info": address, **more}

    @property
    def media_type(self) -> str:
        """Of the body."""
        return "application/problem+json" if self.problem_details else "application/json"
