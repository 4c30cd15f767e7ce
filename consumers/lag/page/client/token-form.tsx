import { useState } from 'preact/hooks'

interface TokenFormProps {
  readonly isWrong: boolean
  readonly given: (token: string) => void
}

export function TokenForm({ given, isWrong }: TokenFormProps) {
  const [token, setToken] = useState('')
  return (
    <form
      class="card token"
      onSubmit={(event) => {
        event.preventDefault()
        if (token.trim() !== '') given(token)
      }}
    >
      <h2>This page needs a token</h2>
      <p>It is what the server was started with (SCISSION_TOKEN, or the file of --token-file). It stays in this tab.</p>
      <label for="token">Token</label>
      <input
        id="token"
        type="password"
        autocomplete="off"
        spellcheck={false}
        required
        value={token}
        aria-invalid={isWrong}
        aria-describedby={isWrong ? 'token-wrong' : undefined}
        onInput={({ currentTarget }) => setToken(currentTarget.value)}
      />
      {isWrong ? (
        <p id="token-wrong" class="wrong" role="alert">
          The server does not take this token: see that it is the one that it was started with.
        </p>
      ) : null}
      <button type="submit" class="primary">
        Open
      </button>
    </form>
  )
}
