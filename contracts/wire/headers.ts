/** Headers of every message: who wrote it, and the dense numbers by which a gap is seen. See docs/wire-format.md. */
export const WRITER_HEADER = 'Scission-Writer'
export const EPOCH_HEADER = 'Scission-Epoch'
/** The message's number in its stream and epoch, from 1, without a hole. */
export const NUMBER_HEADER = 'Scission-Number'
export const CONTENT_TYPE_HEADER = 'Content-Type'
export const CONTENT_TYPE = 'application/vnd.scission.v1+msgpack'
export const TRACE_HEADER = 'traceparent'

/** What the headers of one message may take, the broker's own included, with room to spare: kept free of `max_payload`. */
export const HEADER_RESERVE_BYTES = 512
