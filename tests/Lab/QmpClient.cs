using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace VirtSecurity.Lab;

/// <summary>Gives one command to QEMU's monitor over its QMP socket.</summary>
internal static class QmpClient
{
    // sockaddr_un holds 108 bytes with the final zero.
    public const int LongestSocketPath = 107;

    /// <summary>
    /// A command of the human monitor, such as "loadvm ready": snapshots of a whole machine have no plain QMP command.
    /// Returns its text, empty when it worked for savevm and loadvm. Throws <see cref="LabException"/> after five minutes.
    /// </summary>
    public static Task<string> HumanAsync(string socketPath, string command, CancellationToken ct) =>
        ExecuteAsync(socketPath, new { execute = "human-monitor-command", arguments = new Dictionary<string, string> { ["command-line"] = command } }, ct);

    /// <summary>Ends QEMU, its disks written out. The answer may be lost with the process.</summary>
    public static async Task QuitAsync(string socketPath, CancellationToken ct)
    {
        try
        {
            await ExecuteAsync(socketPath, new { execute = "quit" }, ct).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The connection ends with QEMU: that is what was asked for.
        }
    }

    private static async Task<string> ExecuteAsync(string socketPath, object command, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(TimeSpan.FromMinutes(5));
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), limit.Token).ConfigureAwait(false);
            await using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            await reader.ReadLineAsync(limit.Token).ConfigureAwait(false);
            await SendAsync(stream, new { execute = "qmp_capabilities" }, limit.Token).ConfigureAwait(false);
            await AnswerAsync(reader, limit.Token).ConfigureAwait(false);
            await SendAsync(stream, command, limit.Token).ConfigureAwait(false);
            return await AnswerAsync(reader, limit.Token).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            throw new LabException($"QEMU does not answer on {socketPath}: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new LabException($"QEMU did not answer on {socketPath} within five minutes.", e);
        }
    }

    private static async Task SendAsync(Stream stream, object message, CancellationToken ct) =>
        await stream.WriteAsync(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(message) + "\n"), ct).ConfigureAwait(false);

    private static async Task<string> AnswerAsync(StreamReader reader, CancellationToken ct)
    {
        // Events may come in between, at any time.
        while (await reader.ReadLineAsync(ct).ConfigureAwait(false) is { } line)
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.TryGetProperty("error", out var error))
                throw new LabException($"QEMU: {error.GetProperty("desc").GetString()}");
            if (json.RootElement.TryGetProperty("return", out var value))
                return value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        }

        throw new IOException("QEMU closed its monitor.");
    }
}
