using System.Collections;
using System.Globalization;
using System.Management.Automation;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>
/// Converts what was given to a parameter before the binder does. The binder passes over a property in the pipeline that does not
/// convert, as if it were not there: a typing error in the VirtHost column of a CSV would mean this machine.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ConvertedToAttribute(Type type) : ArgumentTransformationAttribute
{
    /// <summary>The parameter's type; of an array, its elements'.</summary>
    public Type Type => type;

    /// <summary>What an empty cell means; null: it is converted as any other text.</summary>
    public object? Blank { get; set; }

    /// <summary>An empty cell means that nothing was given.</summary>
    public bool BlankIsNull { get; set; }

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is IEnumerable many and not string ? many.Cast<object?>().Select(Convert).ToArray() : Convert(inputData);
    }

    private object? Convert(object? given)
    {
        if (given is null && Blank is not null) return Blank;
        // Texts and numbers only: of any other object the binder may yet find that a property of it is meant.
        if ((given is PSObject wrapped ? wrapped.BaseObject : given) is not IConvertible value) return given;
        if (value is string text && string.IsNullOrWhiteSpace(text) && (BlankIsNull || Blank is not null)) return Blank;
        try
        {
            return LanguagePrimitives.ConvertTo(value, type, CultureInfo.InvariantCulture);
        }
        catch (PSInvalidCastException problem)
        {
            throw new ArgumentTransformationMetadataException(Why(value, problem), problem.GetBaseException() as VirtException);
        }
    }

    private string Why(object value, PSInvalidCastException problem)
    {
        for (Exception? inner = problem; inner is not null; inner = inner.InnerException)
        {
            if (inner is VirtException ours) return $"{ours.Message} {ours.Remedy}";
        }

        return type.IsEnum ? Messages.Format("NotOneOf", value, string.Join(", ", Enum.GetNames(type))) : problem.Message;
    }
}
