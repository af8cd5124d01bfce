"""Sends what is due at a database to a receiver on this machine, until it is killed."""

import sys

from app.adapters.sql_database import SqlDatabase
from app.adapters.webhook_guard import Guard
from app.adapters.webhooks import HttpWebhookSender
from app.services.deliveries import Courier

url, host = sys.argv[1:]
guard = Guard([host], private=True, resolver=lambda *_: ["127.0.0.1"])
Courier(SqlDatabase(url), HttpWebhookSender(guard, timeout_s=60)).deliver_due()
