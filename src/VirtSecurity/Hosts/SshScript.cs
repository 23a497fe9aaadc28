using System.Globalization;
using System.Text;

namespace VirtSecurity.Hosts;

/// <summary>
/// The one writer of what is sent to a remote <c>sh -s</c>. The host needs sh, coreutils and base64; nothing is installed.
/// The whole batch is one <c>{ }</c> group, which sh parses to its end before it runs any of it: a connection that
/// breaks while the script travels runs nothing.
/// <para>
/// It prints frames, each a line that begins with the nonce: <c>D dir</c> (where this run keeps its files), <c>P i</c> (call i begins),
/// <c>M i</c> (no such tool), <c>N i</c> (not run), <c>S i</c> (stopped before), <c>E</c> (end). Behind <c>P i</c> comes what the tool
/// printed, a newline, and <c>R i code</c>. On standard error <c>D</c> comes first, and <c>R i</c> behind what call i said, each after a newline.
/// </para>
/// </summary>
internal static class SshScript
{
    // timeout(1) is more than a limit: sh starts background jobs with SIGINT ignored, which a tool would inherit;
    // timeout installs handlers, so that what it executes gets the default again, and it passes our SIGINT on.
    //
    // `pid` names a tool that may be interrupted, and no other. Who stops us writes `stop` and then reads `pid`, we the other way round: one
    // of us sees the other.
    private const string Functions = """
        d=$(mktemp -d /run/virtsecurity.XXXXXX 2>/dev/null || mktemp -d) || exit 70
        trap 'rm -rf "$d"' EXIT
        trap 'exit 71' HUP PIPE TERM
        umask 022
        f=
        frame() { printf '%s %s\n' "$n" "$*"; }
        tool() {
          if [ -n "$in" ]; then base64 -d <&8 | timeout -s INT "$@" 8<&- &
          else timeout -s INT "$@" </dev/null &
          fi
          p=$!
          if [ -n "$k" ]; then
            echo "$p" >"$d/pid"
            if [ -e "$d/stop" ]; then kill -INT "$p"; fi
          fi
          wait "$p"
          r=$?
          : >"$d/pid"
        }
        ended() { printf '\n%s R %s\n' "$n" "$*"; }
        call() {
          i=$1 m=$2 l=$3 k=$4
          shift 4
          if [ -e "$d/stop" ]; then frame S "$i"; return; fi
          if [ -n "$f" ]; then frame N "$i"; return; fi
          if ! command -v -- "$1" >/dev/null; then
            frame M "$i"
            if [ "$m" = s ]; then f=1; fi
            return
          fi
          if [ -n "$k" ]; then set -- -k "$k" "$l" "$@"; else set -- "$l" "$@"; fi
          frame P "$i"
          run "$@"
          if [ "$r" != 0 ] && [ "$m" = s ]; then f=1; fi
        }

        """;

    // Pipes, never files and never what sshd gave us, for a tool's three streams: lvm, semanage and restorecon run in SELinux domains of
    // their own, which may use a pipe made by our shell and nothing else; the kernel then hands them /dev/null instead, and they succeed in silence.

    /// <summary>Questions: two processes carry what all of them print. Where nobody listens any more, all of it may end at once.</summary>
    private const string Asking = """
        run() { tool "$@"; ended "$i" "$r"; ended "$i" >&2; }
        exec 5>&1 6>&2
        { {
        printf '\n%s D\n' "$n" >&2
        frame D "$d"

        """;

    private const string Asked = """
        frame E
        } 2>&7 5>&- 6>&- 7>&- | cat >&5 5>&- 6>&- 7>&-; } 7>&1 | cat >&6 5>&- 6>&-
        exit 0
        }

        """;

    /// <summary>
    /// Changes: what a tool prints is kept until it has ended, so that it is never cut off by a connection that breaks; and where nobody
    /// listens any more, its frame cannot be written, and none begins. The shell itself keeps it: a process for that costs as much as many a
    /// tool. It drops NUL bytes, which no change prints.
    /// </summary>
    private const string Changing = """
        run() {
          : >"$d/r"
          e=$({ o=$({ tool "$@"; echo "$r" >"$d/r"; } 2>&3 3>&-; echo .); printf %s "${o%.}" >"$d/o"; } 3>&1; echo .)
          read -r r <"$d/r" || exit 71   # nobody listens any more: the tool was waited out, and what it said is nobody's
          if [ -s "$d/o" ]; then cat "$d/o"; fi
          ended "$i" "$r"
          printf %s "${e%.}" >&2
          ended "$i" >&2
        }
        printf '\n%s D\n' "$n" >&2
        frame D "$d"

        """;

    private const string Changed = """
        frame E
        exit 0
        }

        """;

    /// <summary>The environment variable by which a batch's processes are known on the host.</summary>
    internal const string RunVariable = "VIRTSECURITY_RUN";

    /// <summary>The environment variable by which another client sees that a run's tools are at work.</summary>
    internal const string ChangeVariable = "VIRTSECURITY_CHANGE";

    /// <summary>Seconds between SIGINT and SIGKILL for a tool that may be interrupted.</summary>
    internal const int GraceSeconds = 10;

    /// <summary>The script that runs a batch.</summary>
    /// <param name="nonce">Letters and digits that no tool knows, and none prints by chance.</param>
    /// <param name="batch">The calls, in order.</param>
    /// <param name="mode">Whether a failure ends it.</param>
    public static byte[] ForBatch(string nonce, IReadOnlyList<ToolCall> batch, BatchMode mode)
    {
        using var script = new MemoryStream();
        var isChanging = batch.Any(call => call.Mutating);
        Write(script, $"{{\nn={nonce}\n");
        Write(script, Functions);
        Write(script, isChanging ? Changing : Asking);
        for (var i = 0; i < batch.Count; i++)
        {
            var call = batch[i];
            if (call.Stdin is null)
            {
                Write(script, "in=\n");
            }
            else
            {
                Write(script, "in=1\nexec 8<<'.'\n");
                Write(script, Convert.ToBase64String(call.Stdin, Base64FormattingOptions.InsertLineBreaks));
                Write(script, "\n.\n");
            }

            var seconds = Math.Max(1, (long)Math.Ceiling(call.TimeLimit.TotalSeconds));
            var grace = call.Stop == StopPolicy.Interrupt ? GraceSeconds.ToString(CultureInfo.InvariantCulture) : "''";
            Write(script, string.Create(CultureInfo.InvariantCulture, $"call {i} {(mode == BatchMode.StopAtFailure ? 's' : 'a')} {seconds} {grace}"));
            foreach (var word in call.Argv)
            {
                script.WriteByte((byte)' ');
                ShellQuote.Word(script, HostText.Encode(word));
            }

            script.WriteByte((byte)'\n');
            if (call.Stdin is not null) Write(script, "exec 8<&-\n");
        }

        Write(script, isChanging ? Changed : Asked);
        return script.ToArray();
    }

    /// <summary>The script that stops a batch: nothing more is begun, and the running tool gets SIGINT if it may be interrupted.</summary>
    /// <param name="run">The batch's value of <see cref="RunVariable"/>.</param>
    /// <param name="directory">Where the batch keeps its files.</param>
    public static byte[] ForStop(string run, string directory) => HostText.Encode($$"""
        {
        d={{Quoted(directory)}}
        if [ -d "$d" ]; then : >"$d/stop"; fi
        if p=$(cat "$d/pid" 2>/dev/null) && [ -n "$p" ] &&
           tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | grep -qx '{{RunVariable}}={{run}}'; then kill -INT "$p"; fi
        exit 0
        }

        """.ReplaceLineEndings("\n"));

    /// <summary>The script that answers 0 once nothing of a batch runs any more, 75 after some seconds of waiting.</summary>
    /// <param name="run">The batch's value of <see cref="RunVariable"/>, which its shell and every tool carry in their environment.</param>
    /// <param name="directory">Where the batch keeps its files; null: not known.</param>
    public static byte[] ForWait(string run, string? directory) => HostText.Encode($$"""
        {
        d={{Quoted(directory ?? "")}}
        if [ -d "$d" ]; then : >"$d/stop"; fi
        t=0
        while cat /proc/[0-9]*/environ 2>/dev/null | grep -qzx '{{RunVariable}}={{run}}'; do
          t=$((t+1)); if [ "$t" -gt 20 ]; then exit 75; fi
          sleep 0.25
        done
        if [ -d "$d" ]; then rm -rf "$d"; fi
        exit 0
        }

        """.ReplaceLineEndings("\n"));

    private static string Quoted(string word)
    {
        using var quoted = new MemoryStream();
        ShellQuote.Word(quoted, HostText.Encode(word));
        return HostText.Decode(quoted.ToArray());
    }

    private static void Write(Stream output, string text) => output.Write(Encoding.UTF8.GetBytes(text.ReplaceLineEndings("\n")));
}
