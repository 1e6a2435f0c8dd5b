// Server-sent events from the chunks of a response: EventSource cannot send a key.

export class EventParser {
  #rest = "";

  /** The events that a chunk of text completes, as {event, data}; comments are left out. */
  push(chunk) {
    const messages = (this.#rest + chunk).split("\n\n");
    this.#rest = messages.pop();
    return messages.map(parse).filter(found => found !== null);
  }
}

function parse(message) {
  let event = "message";
  const data = [];
  for (const line of message.split("\n")) {
    if (line.startsWith("event: ")) event = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return data.length ? { event, data: JSON.parse(data.join("\n")) } : null;
}
