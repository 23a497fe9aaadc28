using System.Globalization;

namespace VirtSecurity.Engine;

/// <summary>How a script is to be run.</summary>
/// <param name="Module">Path of the module's psd1 to import first; null: none.</param>
/// <param name="Width">Columns of the console that views are rendered for.</param>
/// <param name="Culture">Culture of the run; null: the process's own.</param>
/// <param name="Xml">Print the streams as CLIXML instead of rendering them.</param>
/// <param name="Answers">What is answered, in turn, when the script asks for confirmation; then yes.</param>
/// <param name="StopOn">Stop the pipeline, as Ctrl+C does, once progress shows this text.</param>
internal sealed record Options(string? Module, int Width, CultureInfo? Culture, bool Xml, IReadOnlyList<char> Answers, string? StopOn)
{
    public const string Usage = """
        usage: VirtSecurity.Engine [--module PSD1] [--width N] [--culture NAME] [--answers yna] [--stop-on TEXT] [--xml] <SCRIPT
        Runs a PowerShell script in the engine; --xml prints an object of the script's streams as CLIXML.
        """;

    public static Options? Read(string[] arguments)
    {
        var options = new Options(null, 80, null, false, [], null);
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] == "--xml")
            {
                options = options with { Xml = true };
                continue;
            }

            if (i + 1 >= arguments.Length) return null;
            var value = arguments[i + 1];
            switch (arguments[i++])
            {
                case "--module": options = options with { Module = value }; break;
                case "--width" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var width): options = options with { Width = width }; break;
                case "--culture": options = options with { Culture = CultureInfo.GetCultureInfo(value) }; break;
                case "--answers": options = options with { Answers = [.. value] }; break;
                case "--stop-on": options = options with { StopOn = value }; break;
                default: return null;
            }
        }

        return options;
    }
}
