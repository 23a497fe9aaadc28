using System.Globalization;
using System.Text;

namespace VirtSecurity.Hosts;

/// <summary>
/// The one writer of what is sent to a remote <c>sh -s</c>. The host needs sh, coreutils and base64; nothing is installed.
/// The whole batch is one <c>{ }</c> group, which sh parses to its end before it runs any of it: a connection that
/// breaks while the script travels runs nothing.
/// <para>
/// It prints frames, each a line that begins with the nonce: <c>D dir</c> (where this run keeps its files),
/// <c>P i pid</c> (call i runs), <c>R i code outlen errlen</c> followed by that many bytes, <c>M i</c> (no such tool),
/// <c>N i</c> (not run), <c>S i</c> (stopped before), <c>E</c> (end).
/// </para>
/// </summary>
internal static class SshScript
{
    // Pipes, never files, for a tool's three streams: lvm, semanage and restorecon run in SELinux domains of their own, which
    // may not use a file made by our shell; the kernel then hands them /dev/null instead, and they succeed in silence.
    //
    // timeout(1) is more than a limit: sh starts background jobs with SIGINT ignored, which a tool would inherit;
    // timeout installs handlers, so that what it executes gets the default again, and it passes our SIGINT on.
    private const string Functions = """
        d=$(mktemp -d /run/virtsecurity.XXXXXX 2>/dev/null || mktemp -d) || exit 70
        trap 'rm -rf "$d"' EXIT
        trap 'exit 71' HUP PIPE TERM
        umask 022
        f=
        exec 5>&1
        printf '%s D %s\n' "$n" "$d"
        run() {
          if [ -n "$in" ]; then cat "$in" | timeout -s INT "$@" 5>&- &
          else timeout -s INT "$@" </dev/null 5>&- &
          fi
          p=$!
          echo "$p" >"$d/pid"
          printf '%s P %s %s\n' "$n" "$i" "$p" >&5
          wait "$p"
          echo $? >"$d/r"
          : >"$d/pid"
        }
        call() {
          i=$1 m=$2 l=$3 k=$4
          shift 4
          : >"$d/r"
          if [ -e "$d/stop" ]; then printf '%s S %s\n' "$n" "$i"; return; fi
          if [ -n "$f" ]; then printf '%s N %s\n' "$n" "$i"; return; fi
          if ! command -v -- "$1" >/dev/null; then
            printf '%s M %s\n' "$n" "$i"
            if [ "$m" = s ]; then f=1; fi
            return
          fi
          if [ -n "$k" ]; then set -- -k "$k" "$l" "$@"; else set -- "$l" "$@"; fi
          { run "$@" 2>&3 3>&- | cat >"$d/o" 3>&-; } 3>&1 | cat >"$d/e"
          read -r r <"$d/r" || exit 71   # nobody listens any more: the tool was waited out, and what it said is nobody's
          set -- $(stat -c %s "$d/o" "$d/e")
          printf '%s R %s %s %s %s\n' "$n" "$i" "$r" "$1" "$2"
          cat "$d/o" "$d/e"
          if [ "$r" != 0 ] && [ "$m" = s ]; then f=1; fi
        }

        """;

    /// <summary>The environment variable by which a batch's processes are known on the host.</summary>
    internal const string RunVariable = "VIRTSECURITY_RUN";

    /// <summary>The environment variable by which another client sees that a run's tools are at work.</summary>
    internal const string ChangeVariable = "VIRTSECURITY_CHANGE";

    /// <summary>Seconds between SIGINT and SIGKILL for a tool that may be interrupted.</summary>
    internal const int GraceSeconds = 10;

    /// <summary>The script that runs a batch.</summary>
    /// <param name="nonce">Letters and digits no tool prints by chance.</param>
    /// <param name="batch">The calls, in order.</param>
    /// <param name="mode">Whether a failure ends it.</param>
    public static byte[] ForBatch(string nonce, IReadOnlyList<ToolCall> batch, BatchMode mode)
    {
        using var script = new MemoryStream();
        Write(script, $"{{\nn={nonce}\n");
        Write(script, Functions.ReplaceLineEndings("\n"));
        for (var i = 0; i < batch.Count; i++)
        {
            var call = batch[i];
            if (call.Stdin is null)
            {
                Write(script, "in=\n");
            }
            else
            {
                Write(script, "in=$d/i\nbase64 -d >\"$d/i\" <<'.'\n");
                Write(script, Convert.ToBase64String(call.Stdin, Base64FormattingOptions.InsertLineBreaks).ReplaceLineEndings("\n"));
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
        }

        Write(script, "printf '%s E\\n' \"$n\"\nexit 0\n}\n");
        return script.ToArray();
    }

    /// <summary>The script that stops a batch: nothing more is begun, and the running tool gets SIGINT if it may be interrupted.</summary>
    public static byte[] ForStop(string nonce, string directory, bool interrupt) => HostText.Encode($$"""
        {
        d={{Quoted(directory)}}
        if [ -d "$d" ]; then : >"$d/stop"; fi
        if [ {{(interrupt ? 1 : 0)}} = 1 ] && p=$(cat "$d/pid" 2>/dev/null) && [ -n "$p" ] &&
           tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | grep -qx '{{RunVariable}}={{nonce}}'; then kill -INT "$p"; fi
        exit 0
        }

        """.ReplaceLineEndings("\n"));

    /// <summary>The script that answers 0 once nothing of a batch runs any more, 75 after some seconds of waiting.</summary>
    /// <param name="nonce">The batch's; its shell and every tool carry it in their environment.</param>
    /// <param name="directory">Where the batch keeps its files; null: not known.</param>
    public static byte[] ForWait(string nonce, string? directory) => HostText.Encode($$"""
        {
        d={{Quoted(directory ?? "")}}
        if [ -d "$d" ]; then : >"$d/stop"; fi
        t=0
        while cat /proc/[0-9]*/environ 2>/dev/null | grep -qzx '{{RunVariable}}={{nonce}}'; do
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

    private static void Write(Stream output, string text) => output.Write(Encoding.UTF8.GetBytes(text));
}
