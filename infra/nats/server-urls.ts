/** The servers that NATS_URL names: one, or those of a cluster with commas between, as the `nats` command takes them. */
export function natsUrls(text: string): string[] {
  // A comma in a password, which is not followed by a scheme, divides nothing.
  return text.split(/\s*,\s*(?=(?:nats|tls):\/\/)/)
}
