using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Facts;

/// <summary>A fact that could not be had is an error with the tool's own words, never a guess.</summary>
internal static class FactUnknown
{
    /// <summary>The error for a question that has no answer.</summary>
    public static VirtException From(ToolResult result)
    {
        var failure = ToolFailure.Of(result);
        return failure.Id is "ToolNotFound"
            ? new VirtException("ToolNotFound", result.Call.Tool, failure.Words)
            : new VirtException("FactUnknown", result.Call.Tool, failure.Words);
    }

    /// <summary>A reader for questions to which any exit code but 0 is no answer.</summary>
    public static Func<ToolResult, T> Unless<T>(Func<ToolResult, T> read) =>
        result => result.Succeeded ? read(result) : throw From(result);
}
