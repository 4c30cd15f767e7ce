/** What an `Authorization` header can carry (RFC 6750), and nobody guesses. */
export const TOKEN_PATTERN = /^[\w.~+/-]{16,256}={0,2}$/
export const TOKEN_RULE = 'must be 16 to 256 letters, digits and - . _ ~ + /, as openssl rand -hex 32 makes them'
